package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest/microversion"
)

// A Check is one thing that must work for this process to be of use. A module
// gives its checks to the value group "rest.checks".
type Check struct {
	Name string                          // "database"
	Run  func(ctx context.Context) error // nil means well; should return when ctx ends
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

// runChecks asks all at once. A check that does not answer in time, or panics, fails.
func runChecks(ctx context.Context, checks []Check) health {
	type answer struct {
		name string
		err  error
	}
	answers := make(chan answer, len(checks))
	state := health{Status: "ok", Checks: map[string]string{}}
	for _, c := range checks {
		state.Checks[c.Name] = "no answer within " + checkTimeout.String()
		go func() { answers <- answer{c.Name, c.run(ctx)} }()
	}
	for range checks {
		select {
		case a := <-answers:
			state.Checks[a.name] = "ok"
			if a.err != nil {
				state.Status, state.Checks[a.name] = "failing", a.err.Error()
			}
		case <-ctx.Done():
			state.Status = "failing"
			return state
		}
	}
	return state
}

func (c Check) run(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.Internal.Errorf("panic: %v", p)
		}
	}()
	return c.Run(ctx)
}
