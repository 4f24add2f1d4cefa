package quota

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/db"
)

// Module adds the tables of this package to the program's database.
var Module = fx.Module("quota", db.AddMigrations(Migrations))
