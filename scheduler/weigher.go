package scheduler

// A Weigher says how good a host is for a consumer: the sum of all weighers
// decides, the greatest wins. Built-in weights lie between 0 and 1; host is the
// position in s and has passed every filter.
type Weigher func(s *Search, host int) float64

var strategies = map[Strategy]Weigher{
	Spread: scarcest,
	Pack:   func(s *Search, host int) float64 { return 1 - scarcest(s, host) },
}

// scarcest returns the share that would stay free of the class of which the
// host has least.
func scarcest(s *Search, host int) float64 {
	share := 1.0
	for i := range s.Wants {
		w := &s.Wants[i]
		share = min(share, float64(w.Free[host]-w.Amount)/float64(w.Capacity[host]))
	}
	return share
}
