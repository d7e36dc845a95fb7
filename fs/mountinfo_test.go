package fs

import (
	"reflect"
	"strings"
	"testing"
)

const mountinfo = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
36 22 0:52 / /mnt/a\040b\134c rw,nosuid,nodev master:1 - fuse.omnimedfs omnimedfs ro,user_id=0
37 36 0:53 / /mnt/a\040b\134c ro - tmpfs none rw
nonsense
38 1 0:54 / /x\ rw
`

func TestParseMountinfo(t *testing.T) {
	got, err := parseMountinfo(strings.NewReader(mountinfo))
	want := []mountEntry{{"254:0", "/", "ext4"}, {"0:52", `/mnt/a b\c`, "fuse.omnimedfs"}, {"0:53", `/mnt/a b\c`, "tmpfs"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzParseMountinfo(f *testing.F) {
	f.Add(mountinfo)
	f.Add(`1 2 3 4 \0 6 - `)
	f.Add(`1 2 3 4 \777\04 6 - x`)
	f.Fuzz(func(t *testing.T, s string) {
		all, _ := parseMountinfo(strings.NewReader(s))
		if len(all) > strings.Count(s, "\n")+1 {
			t.Errorf("%d mounts from %q", len(all), s)
		}
	})
}

func TestAllowsOther(t *testing.T) {
	for conf, want := range map[string]bool{"": false, "#user_allow_other\n": false, "a\n user_allow_other \n": true, "user_allow_other": true} {
		if allowsOther(conf) != want {
			t.Errorf("%q", conf)
		}
	}
}
