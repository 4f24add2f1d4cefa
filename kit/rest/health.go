package rest

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/nacre-cloud/nacre/kit/rest/microversion"
)

// A Check is one thing that must work for this process to be of use. A module
// gives its checks to the value group "rest.checks".
type Check struct {
	Name string                          // "database"
	Run  func(ctx context.Context) error // nil means well; must return when ctx ends
}

const checkTimeout = 5 * time.Second

type health struct {
	Status string            `json:"status"`
	Checks map[string]string `json:"checks"`
}

// healthHandler answers 200 when all checks pass and 503 with the reasons otherwise.
func healthHandler(checks []Check) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
		defer cancel()
		state := runChecks(ctx, checks)
		status := http.StatusOK
		if state.Status != "ok" {
			status = http.StatusServiceUnavailable
		}
		body, err := microversion.Append(nil, state, microversion.Options{})
		if err != nil {
			status = http.StatusInternalServerError
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		// Nobody is left to tell that the client went away.
		_, _ = w.Write(body)
	}
}

func runChecks(ctx context.Context, checks []Check) health {
	state := health{Status: "ok", Checks: map[string]string{}}
	var wait sync.WaitGroup
	results := make([]error, len(checks))
	for i, c := range checks {
		wait.Go(func() { results[i] = c.Run(ctx) })
	}
	wait.Wait()
	for i, c := range checks {
		state.Checks[c.Name] = "ok"
		if results[i] != nil {
			state.Status, state.Checks[c.Name] = "failing", results[i].Error()
		}
	}
	return state
}
