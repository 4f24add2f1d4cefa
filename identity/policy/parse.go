package policy

import (
	"slices"
	"strings"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// maxDepth bounds nesting, so that no text can exhaust the stack.
const maxDepth = 100

// parser reads one rule by recursive descent: or < and < not < check.
type parser struct {
	*compiler
	tokens []string
	depth  int
	roles  map[string]bool
}

// tokenize splits at blanks and takes leading and trailing parentheses off
// words. The one after a %( belongs to the word.
func tokenize(text string) []string {
	var tokens []string
	for _, word := range strings.Fields(text) {
		for strings.HasPrefix(word, "(") {
			tokens, word = append(tokens, "("), word[1:]
		}
		closing := 0
		for strings.HasSuffix(word, ")") {
			word = word[:len(word)-1]
			closing++
		}
		if word != "" {
			tokens = append(tokens, word)
		}
		for range closing {
			tokens = append(tokens, ")")
		}
	}
	return tokens
}

func (p *parser) parse() (check, error) {
	if len(p.tokens) == 0 {
		return always, nil
	}
	c, err := p.or()
	if err == nil && len(p.tokens) > 0 {
		err = fault.Invalid.Errorf("%q is not expected here", p.tokens[0])
	}
	return c, err
}

func (p *parser) or() (check, error) {
	return p.chain("or", p.and, func(a, b check) check {
		return func(c Caller, t Target) bool { return a(c, t) || b(c, t) }
	})
}

func (p *parser) and() (check, error) {
	return p.chain("and", p.not, func(a, b check) check {
		return func(c Caller, t Target) bool { return a(c, t) && b(c, t) }
	})
}

// chain reads operands joined by one operator.
func (p *parser) chain(op string, operand func() (check, error), join func(a, b check) check) (check, error) {
	a, err := operand()
	for err == nil && p.accept(op) {
		var b check
		if b, err = operand(); err == nil {
			a = join(a, b)
		}
	}
	return a, err
}

func (p *parser) not() (check, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		return nil, fault.Invalid.Errorf("nested deeper than %d", maxDepth)
	}
	if p.accept("not") {
		inner, err := p.not()
		return func(c Caller, t Target) bool { return !inner(c, t) }, err
	}
	if !p.accept("(") {
		return p.check()
	}
	c, err := p.or()
	if err == nil && !p.accept(")") {
		err = fault.Invalid.Errorf("a parenthesis is not closed")
	}
	return c, err
}

func (p *parser) accept(token string) bool {
	if len(p.tokens) == 0 || !strings.EqualFold(p.tokens[0], token) {
		return false
	}
	p.tokens = p.tokens[1:]
	return true
}

// check reads one comparison, such as role:admin or user_id:%(user_id)s.
func (p *parser) check() (check, error) {
	if len(p.tokens) == 0 {
		return nil, fault.Invalid.Errorf("it ends where a check is expected")
	}
	token := p.tokens[0]
	p.tokens = p.tokens[1:]
	switch token {
	case "@":
		return always, nil
	case "!":
		return never, nil
	case "is_admin":
		token = "is_admin:true"
	}
	kind, match, ok := strings.Cut(token, ":")
	if !ok || kind == "" || match == "" {
		return nil, fault.Invalid.Errorf("%q is not a check, such as role:member", token)
	}
	switch kind {
	case "role":
		return p.role(match)
	case "rule":
		return p.reference(match)
	default:
		return compare(kind, match)
	}
}

func (p *parser) role(match string) (check, error) {
	if _, isField, err := field(match); isField || err != nil {
		return nil, fault.Invalid.Errorf("role:%s: a role is a plain name", match)
	}
	name := strings.ToLower(match)
	p.roles[name] = true
	return func(c Caller, _ Target) bool { return c.Has(name) }, nil
}

func (p *parser) reference(name string) (check, error) {
	r, err := p.rule(name)
	if err != nil {
		return nil, err
	}
	for _, role := range r.roles {
		p.roles[role] = true
	}
	return r.allow, nil
}

// compare checks a caller's field, or a quoted word, against a word or a field
// of the target. Fields that are empty are equal to nothing.
func compare(kind, match string) (check, error) {
	key, isField, err := field(match)
	if err != nil {
		return nil, err
	}
	if word, ok := unquote(kind); ok {
		if !isField {
			return constant(word == bare(match)), nil
		}
		return func(c Caller, t Target) bool { return word == targetField(c, t, key) }, nil
	}
	if !slices.Contains(CallerFields, kind) {
		return nil, fault.Invalid.Errorf("%q is not known; use role, rule or one of %s", kind, strings.Join(CallerFields, ", "))
	}
	switch {
	case kind == "is_admin":
		return isAdmin(match)
	case isField:
		return func(c Caller, t Target) bool {
			have := c.Field(kind)
			return have != "" && have == targetField(c, t, key)
		}, nil
	default:
		word := bare(match)
		return func(c Caller, _ Target) bool { return word != "" && c.Field(kind) == word }, nil
	}
}

func isAdmin(match string) (check, error) {
	switch strings.ToLower(match) {
	case "true", "1":
		return func(c Caller, _ Target) bool { return c.Field("is_admin") == "true" }, nil
	case "false", "0":
		return func(c Caller, _ Target) bool { return c.Field("is_admin") != "true" }, nil
	}
	return nil, fault.Invalid.Errorf("is_admin is true or false, not %q", match)
}

func targetField(c Caller, t Target, name string) string {
	if name == "project_id" || name == "tenant_id" {
		if t == nil {
			return c.Field("project_id")
		}
		return t.Owner()
	}
	if d, ok := t.(Described); ok {
		return d.Field(name)
	}
	return ""
}

// field returns x for %(x)s and for %(target.x)s.
func field(match string) (name string, ok bool, err error) {
	inner, ok := strings.CutPrefix(match, "%(")
	if !ok {
		if strings.ContainsAny(match, "%()") {
			err = fault.Invalid.Errorf("%q is neither a word nor %%(field)s", match)
		}
		return "", false, err
	}
	name, ok = strings.CutSuffix(inner, ")s")
	name = strings.TrimPrefix(name, "target.")
	if !ok || name == "" || strings.ContainsAny(name, "%()") {
		return "", false, fault.Invalid.Errorf("%q is not %%(field)s", match)
	}
	return name, true, nil
}

func unquote(s string) (string, bool) {
	if len(s) >= 2 && (s[0] == '\'' || s[0] == '"') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1], true
	}
	return "", false
}

func bare(s string) string {
	if word, ok := unquote(s); ok {
		return word
	}
	return s
}

func constant(holds bool) check {
	if holds {
		return always
	}
	return never
}

func always(Caller, Target) bool { return true }

func never(Caller, Target) bool { return false }
