package computerpc

import (
	"github.com/nacre-cloud/nacre/compute"
)

// packed are files by path, with each content once: the files of a guest repeat
// theirs for every version of the format, and a message has a limit.
type packed struct {
	Paths    map[string]int // to the index of the content
	Contents [][]byte
}

func pack(files map[string][]byte) packed {
	if files == nil {
		return packed{}
	}
	p := packed{Paths: make(map[string]int, len(files))}
	seen := map[string]int{}
	for path, content := range files {
		i, ok := seen[string(content)]
		if !ok {
			i = len(p.Contents)
			seen[string(content)], p.Contents = i, append(p.Contents, content)
		}
		p.Paths[path] = i
	}
	return p
}

func (p packed) unpack() map[string][]byte {
	if p.Paths == nil {
		return nil
	}
	files := make(map[string][]byte, len(p.Paths))
	for path, i := range p.Paths {
		if i >= 0 && i < len(p.Contents) {
			files[path] = p.Contents[i]
		}
	}
	return files
}

// packedData is a compute.GuestData with its files packed.
type packedData struct {
	Data  compute.GuestData
	Files packed
}

func packData(d compute.GuestData) packedData {
	files := d.Files
	d.Files = nil
	return packedData{d, pack(files)}
}

func (p packedData) unpack() compute.GuestData {
	p.Data.Files = p.Files.unpack()
	return p.Data
}

// packedGuest is a compute.Guest with its config drive packed.
type packedGuest struct {
	Guest compute.Guest
	Files packed
}

func packGuest(g compute.Guest) packedGuest {
	files := g.ConfigDrive
	g.ConfigDrive = nil
	return packedGuest{g, pack(files)}
}

func (p packedGuest) unpack() compute.Guest {
	p.Guest.ConfigDrive = p.Files.unpack()
	return p.Guest
}
