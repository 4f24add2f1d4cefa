package computeapi_test

import (
	"fmt"
	"sync"
	"testing"
)

// TestWhatIsSetAtOnceAllLasts sets and removes many items of one thing, each by a call of its own.
func TestWhatIsSetAtOnceAllLasts(t *testing.T) {
	const n = 20
	c := newCloud(t)
	server := "servers/" + c.boot("busy")
	for name, tt := range map[string]struct {
		token, all, under string
		body              string // of an item with that number
		set, removed      int    // statuses
	}{
		"metadata":    {project, server + "/metadata", "metadata", `{"meta": {"k%d": "v"}}`, 200, 204},
		"tags":        {project, server + "/tags", "tags", "", 201, 204},
		"extra specs": {"admin", "flavors/1/os-extra_specs", "extra_specs", `{"k%d": "v"}`, 200, 200},
	} {
		t.Run(name, func(t *testing.T) {
			left := func() int {
				switch items := c.want(200, tt.token, "2.90", "GET "+tt.all, "").body[tt.under].(type) {
				case map[string]any:
					return len(items)
				case []any:
					return len(items)
				}
				return 0
			}
			before := left()
			together(n, func(i int) {
				body := tt.body
				if body != "" {
					body = fmt.Sprintf(body, i)
				}
				c.want(tt.set, tt.token, "2.90", fmt.Sprintf("PUT %s/k%d", tt.all, i), body)
			})
			if got := left(); got != before+n {
				t.Errorf("%d of %d are there", got, before+n)
			}
			together(n, func(i int) { c.want(tt.removed, tt.token, "2.90", fmt.Sprintf("DELETE %s/k%d", tt.all, i), "") })
			if got := left(); got != before {
				t.Errorf("%d of %d are left", got, before)
			}
		})
	}
}

// together runs f n times at once.
func together(n int, f func(int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}
