package metering

import "github.com/nacre-cloud/nacre/identity"

// Actions, and who may do them unless the operator says otherwise.
var _ = identity.Define(identity.Rules{
	"metering:record":     identity.AnyService,
	"metering:meter:list": identity.Reader,
	"metering:statistics": identity.Reader,
	"metering:usage":      identity.Reader,
	"metering:list-all":   identity.SystemReader,
})
