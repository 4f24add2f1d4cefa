package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// An outcome is what came out of a test.
type outcome int

const (
	missing outcome = iota // asked for, and not run
	passed
	failed
	skipped
)

// A result is one test's outcome, with the error or the reason.
type result struct {
	outcome outcome
	why     string
}

// A report collects the results of the tests that were asked for.
type report struct {
	asked   []string // without their tags
	results map[string]result
	classes map[string]result // of classes that could not be set up
	service map[string]string // of a name
}

func newReport(ids []string) *report {
	r := &report{results: map[string]result{}, classes: map[string]result{}, service: map[string]string{}}
	for _, id := range ids {
		name, _, _ := strings.Cut(id, "[")
		r.asked = append(r.asked, name)
		parts := append(strings.Split(name, "."), "", "", "")
		r.service[name] = cmp.Or(parts[2], "other")
		if parts[1] == "scenario" {
			r.service[name] = "scenario"
		}
	}
	return r
}

// known returns the full ids of the tests that shall run, from a list of all.
func (r *report) known(list string) []string {
	full := map[string]string{}
	for id := range strings.Lines(list) {
		name, _, _ := strings.Cut(strings.TrimSpace(id), "[")
		full[name] = strings.TrimSpace(id)
	}
	var ids []string
	for _, name := range r.asked {
		if id := full[name]; id != "" && r.results[name].outcome != skipped {
			ids = append(ids, id)
		}
	}
	return ids
}

var (
	line = regexp.MustCompile(`^\{\d+\} (.+?)(?: \[[0-9.]+s\])? \.\.\. (ok|FAILED|SKIPPED)(?:: (.*))?$`)
	// Of a class that cannot be set up, or torn down, Tempest tells the class.
	classLine = regexp.MustCompile(`^(setUpClass|tearDownClass) \((.+)\)$`)
	exception = regexp.MustCompile(`^ {0,6}((?:\w+\.)+\w+|\w+(?:Error|Exception|Mismatch))(?::? .*|:)?$`)
)

// read follows what "tempest run" prints.
func (r *report) read(in io.Reader) error {
	s := bufio.NewScanner(in)
	s.Buffer(nil, 16<<20) // a response that is quoted can be long
	var name, why, last string
	finish := func() {
		if name != "" {
			r.set(name, result{failed, why})
		}
		name, why = "", ""
	}
	for s.Scan() {
		text := s.Text()
		m := line.FindStringSubmatch(text)
		switch {
		case m == nil && name != "":
			if exception.MatchString(text) && !strings.Contains(last, "  File ") {
				why = strings.TrimSpace(text)
			} else if details, ok := strings.CutPrefix(text, "Details: "); ok {
				why += " " + details
			}
		case m == nil:
		case m[2] == "ok":
			finish()
			r.set(m[1], result{outcome: passed})
		case m[2] == "SKIPPED":
			finish()
			r.set(m[1], result{skipped, m[3]})
		default:
			finish()
			name = m[1]
		}
		last = text
	}
	finish()
	return s.Err()
}

// skip takes the tests out whose names begin with a prefix.
func (r *report) skip(prefix, why string) {
	for _, name := range r.asked {
		if strings.HasPrefix(name, prefix) {
			r.results[name] = result{skipped, why}
		}
	}
}

func (r *report) set(name string, what result) {
	if m := classLine.FindStringSubmatch(name); m == nil {
		r.results[name] = what
	} else if m[1] == "setUpClass" {
		r.classes[m[2]] = what
	} else if what.outcome == failed {
		r.classes["tearDown "+m[2]] = what
	}
}

// of returns the result of a test that was asked for.
func (r *report) of(name string) result {
	if result, ok := r.results[name]; ok {
		return result
	}
	class := name[:max(strings.LastIndex(name, "."), 0)]
	if result, ok := r.classes[class]; ok {
		return result
	}
	return result{missing, "Tempest does not know this id, or ended before it"}
}

// passed reports whether nothing failed and nothing was left out.
func (r *report) passed() bool {
	return !slices.ContainsFunc(r.asked, func(name string) bool {
		o := r.of(name).outcome
		return o == failed || o == missing
	})
}

// print writes the table of services.
func (r *report) print(out io.Writer, took time.Duration) {
	table, all := map[string]*[4]int{}, [4]int{}
	for _, name := range r.asked {
		service := r.service[name]
		if table[service] == nil {
			table[service] = &[4]int{}
		}
		table[service][r.of(name).outcome]++
		all[r.of(name).outcome]++
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, n [4]int) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t\n", name, n[passed], n[failed], n[skipped], n[missing], n[passed]+n[failed]+n[skipped]+n[missing])
	}
	fmt.Fprintln(w, "service\tpassed\tfailed\tskipped\tnot run\tasked\t")
	for _, service := range slices.Sorted(maps.Keys(table)) {
		row(service, *table[service])
	}
	row("all", all)
	_ = w.Flush()
	fmt.Fprintf(out, "%d asked, %d run, in %s\n", len(r.asked), len(r.asked)-all[missing], took.Round(time.Second))
}

var particular = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}|\d{5,}|0x[0-9a-f]+`)

// printCauses writes what failures have in common, the most frequent first.
func (r *report) printCauses(out io.Writer) {
	causes := map[string]int{}
	for _, name := range r.asked {
		if result := r.of(name); result.outcome == failed {
			causes[particular.ReplaceAllString(result.why, "…")]++
		}
	}
	fmt.Fprint(out, "\nCauses\n\n")
	for _, why := range slices.SortedFunc(maps.Keys(causes), func(a, b string) int {
		return cmp.Or(causes[b]-causes[a], strings.Compare(a, b))
	}) {
		fmt.Fprintf(out, "%4d  %s\n", causes[why], why)
	}
}

// write writes the table and every test that did not pass, with the reason.
func (r *report) write(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r.print(f, 0)
	r.printCauses(f)
	for _, part := range []struct {
		title string
		what  outcome
	}{{"Failed", failed}, {"Not run", missing}, {"Skipped", skipped}} {
		fmt.Fprintf(f, "\n%s\n\n", part.title)
		for _, name := range slices.Sorted(slices.Values(r.asked)) {
			if result := r.of(name); result.outcome == part.what {
				fmt.Fprintf(f, "%s\n\t%s\n", name, cmp.Or(result.why, "no reason given"))
			}
		}
	}
	for _, class := range slices.Sorted(maps.Keys(r.classes)) {
		if name, ok := strings.CutPrefix(class, "tearDown "); ok {
			fmt.Fprintf(f, "\nLeft behind by %s\n\t%s\n", name, r.classes[class].why)
		}
	}
	return nil
}
