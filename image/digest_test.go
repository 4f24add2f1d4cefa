package image_test

import (
	"io"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/image"
)

func TestDigestIsMadeInOnePass(t *testing.T) {
	d := image.NewDigest()
	if _, err := io.Copy(io.Discard, io.TeeReader(strings.NewReader("abc"), d)); err != nil {
		t.Fatal(err)
	}
	want := image.Sum{
		Size: 3,
		MD5:  "900150983cd24fb0d6963f7d28e17f72",
		SHA512: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
			"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
	}
	if got := d.Sum(); got != want {
		t.Errorf("sum = %+v, want %+v", got, want)
	}
}

func TestRangeIsClippedToTheImage(t *testing.T) {
	tests := []struct {
		name string
		r    image.Range
		size int64
		n    int64
		ok   bool
	}{
		{"all", image.Range{}, 10, 10, true},
		{"all of nothing", image.Range{}, 0, 0, true},
		{"the tail", image.Range{Offset: 4}, 10, 6, true},
		{"the middle", image.Range{Offset: 4, Length: 2}, 10, 2, true},
		{"past the end", image.Range{Offset: 4, Length: 1 << 62}, 10, 6, true},
		{"after the end", image.Range{Offset: 10}, 10, 0, false},
		{"before the start", image.Range{Offset: -1}, 10, 0, false},
		{"a negative length", image.Range{Length: -1}, 10, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if n, ok := tt.r.Clip(tt.size); n != tt.n || ok != tt.ok {
				t.Errorf("Clip = %d, %t, want %d, %t", n, ok, tt.n, tt.ok)
			}
		})
	}
}
