// Package access writes the files with which clients find a cloud and prove who
// they are: openrc for shells, clouds.yaml (the cloud "nacre") for everything else.
package access

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/nacre-cloud/nacre/kit/fault"
)

const openrc = `export OS_AUTH_URL=%s
export OS_USERNAME=admin
export OS_PASSWORD=%s
export OS_PROJECT_NAME=admin
export OS_USER_DOMAIN_NAME=Default
export OS_PROJECT_DOMAIN_NAME=Default
export OS_IDENTITY_API_VERSION=3
export OS_REGION_NAME=RegionOne
`

const clouds = `clouds:
  nacre:
    auth:
      auth_url: %s
      username: admin
      password: %s
      project_name: admin
      user_domain_name: Default
      project_domain_name: Default
    region_name: RegionOne
    identity_api_version: 3
`

// Write writes openrc and clouds.yaml for the administrator into dir. They hold
// the password, so only their owner may read them.
func Write(dir, authURL, password string) error {
	for name, text := range map[string]string{"openrc": openrc, "clouds.yaml": clouds} {
		if err := os.WriteFile(filepath.Join(dir, name), fmt.Appendf(nil, text, authURL, password), 0o600); err != nil {
			return fault.Unavailable.Wrap(err, "write how to reach the cloud")
		}
	}
	return nil
}
