package driver

import (
	"reflect"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// Add gives group what named makes of a driver, which is started and stopped with
// the program. newDriver is a function that returns a D, or a D and an error; its
// parameters come from the program. title says in messages what is added, such as
// "volume backend ssd".
func Add[D, N any](title, group string, newDriver any, named func(D) N) fx.Option {
	driver := reflect.TypeFor[D]()
	if f := reflect.TypeOf(newDriver); f == nil || f.Kind() != reflect.Func || f.NumOut() == 0 || f.Out(0) != driver {
		return fx.Error(fault.Invalid.Errorf("%s: add it with a function that returns a %s, not with %T", title, driver, newDriver))
	}
	return fx.Module(title,
		fx.Provide(newDriver, fx.Private),
		fx.Provide(fx.Annotate(func(lc fx.Lifecycle, d D) N {
			var hook fx.Hook
			if s, ok := any(d).(Starter); ok {
				hook.OnStart = s.Start
			}
			if s, ok := any(d).(Stopper); ok {
				hook.OnStop = s.Stop
			}
			lc.Append(hook)
			return named(d)
		}, fx.ResultTags(`group:"`+group+`"`))),
	)
}
