package meteringapi

import (
	"maps"
	"slices"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/metering"
)

type metric struct {
	ID         metering.MeterID `json:"id"`
	Name       string           `json:"name"`
	Unit       *string          `json:"unit"`
	ResourceID string           `json:"resource_id"`
	ProjectID  string           `json:"created_by_project_id"`
	UserID     string           `json:"created_by_user_id"` // always empty: nobody made it
	Creator    string           `json:"creator"`
	Policy     archivePolicy    `json:"archive_policy"`
}

// An archivePolicy says how samples are kept. Here it is always the same, as
// they came, and shown because clients do not read a metric without one.
type archivePolicy struct {
	Name         string     `json:"name"`
	BackWindow   int        `json:"back_window"`
	Definition   []struct{} `json:"definition"` // of what is kept summed up
	Aggregations []string   `json:"aggregation_methods"`
}

var samples = archivePolicy{Name: "samples", Definition: []struct{}{}, Aggregations: slices.Sorted(maps.Keys(values))}

func (handlers) policies(*rest.Request) (rest.Response, error) {
	return rest.Reply([]archivePolicy{samples}), nil
}

func (handlers) policy(r *rest.Request) (rest.Response, error) {
	if name := r.Param("name"); name != samples.Name {
		return rest.Response{}, fault.NotFound.Errorf("archive policy %s does not exist; there is %s", name, samples.Name)
	}
	return rest.Reply(samples), nil
}

func newMetric(m metering.Meter) metric {
	out := metric{ID: m.ID, Name: m.Name, ResourceID: m.ResourceID, ProjectID: m.ProjectID, Creator: m.ProjectID, Policy: samples}
	if unit := m.Unit(); unit != "" {
		out.Unit = &unit
	}
	return out
}

func (s handlers) metrics(r *rest.Request) (rest.Response, error) {
	params := r.Query()
	q := metering.MeterQuery{Name: params.String("name"), ResourceID: params.String("resource_id"), ProjectID: params.String("project_id")}
	q.Limit, q.Marker = params.Int("limit", page.MaxLimit), params.String("marker")
	if err := params.Err(); err != nil {
		return rest.Response{}, err
	}
	p, err := s.Meters(r.Context(), q)
	list := make([]metric, len(p.Items))
	for i, m := range p.Items {
		list[i] = newMetric(m)
	}
	reply := rest.Reply(list)
	if p.Next != "" {
		values := r.HTTP.URL.Query()
		values.Set("marker", p.Next)
		reply = reply.Header("Link", "<"+r.URL("/v1/metric")+"?"+values.Encode()+`>; rel="next"`)
	}
	return reply, err
}

// meter returns the meter that the path names.
func (s handlers) meter(r *rest.Request) (metering.Meter, error) {
	id := metering.MeterID(r.Param("id"))
	p, err := s.Meters(r.Context(), metering.MeterQuery{IDs: []metering.MeterID{id}})
	if err != nil {
		return metering.Meter{}, err
	}
	if len(p.Items) == 0 {
		return metering.Meter{}, fault.NotFound.Errorf("metric %s does not exist", id)
	}
	return p.Items[0], nil
}

func (s handlers) metric(r *rest.Request) (rest.Response, error) {
	m, err := s.meter(r)
	return rest.Reply(newMetric(m)), err
}

func (s handlers) measures(r *rest.Request) (rest.Response, error) {
	m, err := s.meter(r)
	if err != nil {
		return rest.Response{}, err
	}
	return s.replyMeasures(r, m)
}

// resourceMeters returns the meters of the server that the path names.
func (s handlers) resourceMeters(r *rest.Request, name string) ([]metering.Meter, error) {
	if t := r.Param("type"); t != "generic" && t != "instance" {
		return nil, fault.NotFound.Errorf("resource type %s does not exist; there are generic and instance", t)
	}
	id := r.Param("resource")
	p, err := s.Meters(r.Context(), metering.MeterQuery{ResourceID: id, Name: name})
	if err == nil && len(p.Items) == 0 {
		err = fault.NotFound.Errorf("resource %s does not exist, or has no such metric", id)
	}
	return p.Items, err
}

func (s handlers) resource(r *rest.Request) (rest.Response, error) {
	meters, err := s.resourceMeters(r, "")
	if err != nil {
		return rest.Response{}, err
	}
	ids := map[string]metering.MeterID{}
	for _, m := range meters {
		ids[m.Name] = m.ID
	}
	return rest.Reply(map[string]any{
		"id": meters[0].ResourceID, "original_resource_id": meters[0].ResourceID, "type": "instance",
		"project_id": meters[0].ProjectID, "user_id": nil, "metrics": ids,
	}), nil
}

func (s handlers) resourceMetric(r *rest.Request) (rest.Response, error) {
	meters, err := s.resourceMeters(r, r.Param("name"))
	if err != nil {
		return rest.Response{}, err
	}
	return rest.Reply(newMetric(meters[0])), nil
}

func (s handlers) resourceMeasures(r *rest.Request) (rest.Response, error) {
	meters, err := s.resourceMeters(r, r.Param("name"))
	if err != nil {
		return rest.Response{}, err
	}
	return s.replyMeasures(r, meters[0])
}

// values returns what each aggregation is of a period.
var values = map[string]func(metering.Statistic) float64{
	"mean":  metering.Statistic.Avg,
	"min":   func(s metering.Statistic) float64 { return s.Min },
	"max":   func(s metering.Statistic) float64 { return s.Max },
	"sum":   func(s metering.Statistic) float64 { return s.Sum },
	"count": func(s metering.Statistic) float64 { return float64(s.Count) },
}

const (
	granularity = 300            // seconds, unless the request says otherwise
	lately      = 24 * time.Hour // what is shown of a metric unless the request says otherwise
)

func (s handlers) replyMeasures(r *rest.Request, m metering.Meter) (rest.Response, error) {
	params := r.Query()
	aggregation := params.String("aggregation")
	if aggregation == "" {
		aggregation = "mean"
	}
	value, ok := values[aggregation]
	if !ok {
		return rest.Response{}, fault.Invalid.Errorf("aggregation %q is not one of mean, min, max, sum, count", aggregation)
	}
	q := metering.StatisticsQuery{MeterID: m.ID, ProjectID: m.ProjectID}
	q.Period = time.Duration(params.Int("granularity", granularity)) * time.Second
	var err error
	if q.To, err = moment("stop", params.String("stop"), time.Now().UTC()); err != nil {
		return rest.Response{}, err
	}
	if q.From, err = moment("start", params.String("start"), q.To.Add(-lately)); err != nil {
		return rest.Response{}, err
	}
	if params.Err() != nil || q.Period <= 0 {
		return rest.Response{}, fault.Invalid.Errorf("granularity must be a number of seconds above 0")
	}
	all, err := s.Statistics(r.Context(), q)
	measures := make([][3]any, len(all))
	for i, st := range all {
		measures[i] = [3]any{st.Start.Format(time.RFC3339), st.Period.Seconds(), value(st)}
	}
	return rest.Reply(measures), err
}
