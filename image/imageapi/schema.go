package imageapi

import (
	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/image/inspect"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// schemaRoutes describe the bodies; a client makes its options from them.
func schemaRoutes() []rest.Route {
	one := imageSchema()
	offer := object{"name": "member", "properties": memberProperties}
	var routes []rest.Route
	for name, schema := range map[string]object{
		"image": one, "images": listSchema("images", one), "member": offer, "members": listSchema("members", offer),
	} {
		routes = append(routes, rest.GET("/v2/schemas/"+name, func(*rest.Request) (rest.Response, error) {
			return rest.Reply(schema), nil
		}))
	}
	return routes
}

func listSchema(name string, item object) object {
	return object{
		"name": name,
		"properties": object{
			name: object{"type": "array", "items": item}, "schema": object{"type": "string"},
			"first": object{"type": "string"}, "next": object{"type": "string"},
		},
		"links": []object{
			{"href": "{first}", "rel": "first"}, {"href": "{next}", "rel": "next"}, {"href": "{schema}", "rel": "describedby"},
		},
	}
}

// kind is the schema of a member: its JSON type, or that or null, and what it says.
func kind(types any, says string) object { return object{"type": types, "description": says} }

// fixed is the schema of a member that only we may say.
func fixed(types any, says string) object {
	s := kind(types, says)
	s["readOnly"] = true
	return s
}

// among is the schema of a member with few values.
func among(types any, says string, values ...any) object {
	s := kind(types, says)
	s["enum"] = values
	return s
}

var orNothing = []string{"null", "string"}

func imageSchema() object {
	count := []string{"null", "integer"}
	disks, containers := []any{nil}, []any{nil}
	for _, f := range inspect.Formats {
		disks = append(disks, f)
	}
	for _, f := range image.ContainerFormats {
		containers = append(containers, f)
	}
	properties := object{
		"id":               kind("string", "UUID of the image"),
		"name":             kind(orNothing, "Name of the image"),
		"visibility":       among("string", "Who may see the image", "community", "public", "private", "shared"),
		"owner":            kind(orNothing, "Project that owns the image"),
		"protected":        kind("boolean", "Whether the image cannot be deleted"),
		"os_hidden":        kind("boolean", "Whether the image is left out of lists"),
		"disk_format":      among(orNothing, "How the bytes hold a disk", disks...),
		"container_format": among(orNothing, "What the bytes are wrapped in", containers...),
		"min_disk":         kind("integer", "GB of disk that booting the image needs"),
		"min_ram":          kind("integer", "MB of memory that booting the image needs"),
		"tags":             object{"type": "array", "items": object{"type": "string", "maxLength": 255}, "description": "Words to find the image by"},
		"status":           fixed("string", "Whether the image has its bytes"),
		"size":             fixed(count, "Size of the bytes"),
		"virtual_size":     fixed(count, "Size in bytes of the disk inside"),
		"checksum":         fixed(orNothing, "MD5 of the bytes"),
		"os_hash_algo":     fixed(orNothing, "Algorithm of os_hash_value"),
		"os_hash_value":    fixed(orNothing, "Digest of the bytes"),
		"created_at":       fixed("string", "When the image was made"),
		"updated_at":       fixed("string", "When the image was last changed"),
		"self":             fixed("string", "Path of the image"),
		"file":             fixed("string", "Path of the bytes"),
		"schema":           fixed("string", "Path of this description"),
	}
	for name, says := range map[string]string{
		"architecture": "Processor that the image is for", "os_distro": "Name of the operating system",
		"os_version": "Version of the operating system", "kernel_id": "Image of the kernel to boot with",
		"ramdisk_id": "Image of the RAM disk to boot with", "instance_uuid": "Server that the image was made from",
	} {
		extra := kind(orNothing, says)
		extra["is_base"] = false
		properties[name] = extra
	}
	return object{
		"name": "image", "properties": properties, "additionalProperties": object{"type": "string"},
		"links": []object{{"href": "{self}", "rel": "self"}, {"href": "{file}", "rel": "enclosure"}, {"href": "{schema}", "rel": "describedby"}},
	}
}

var memberProperties = object{
	"image_id":   kind("string", "Image that is offered"),
	"member_id":  kind("string", "Project that it is offered to"),
	"status":     among("string", "What the project says to the offer", "pending", "accepted", "rejected"),
	"created_at": kind("string", "When the offer was made"),
	"updated_at": kind("string", "When the offer was last changed"),
	"schema":     fixed("string", "Path of this description"),
}
