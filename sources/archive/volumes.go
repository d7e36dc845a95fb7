package archive

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Archives of several files come as
//
//	a.z01 a.z02 … a.zip                    zip's own; named by a.zip
//	a.z01 a.z02 … a.change2zip             the same where a platform unpacks what is called .zip
//	a.part1.rar a.part2.rar …              named by the first
//	a.rar a.r00 a.r01 … a.r99 a.s00 …      named by a.rar
//	a.zip.001 a.zip.002 …                  cut anywhere (7-Zip, split); any type, named by the first
var (
	cutVolume  = regexp.MustCompile(`^(.+)\.(\d{3,})$`)
	zipVolume  = regexp.MustCompile(`(?i)^(.+)\.z(\d{2,})$`)
	partVolume = regexp.MustCompile(`(?i)^(.+\.part)(\d+)(\.rar)$`)
	oldVolume  = regexp.MustCompile(`(?i)^(.+)\.([r-z])(\d{2})$`)
)

// renamedZip is the extension that uploaders to Kaggle give a zip's last volume.
const renamedZip = ".change2zip"

// volumeOf says which archive a file may be a volume of, by a name that its
// volumes share, and its place in it. The one that the archive is named by has
// main set.
func volumeOf(name string) (group string, number int, main, ok bool) {
	if m := cutVolume.FindStringSubmatch(name); m != nil && IsArchive(m[1]) {
		n, err := strconv.Atoi(m[2])
		return "cut:" + m[1], n, n == 1, err == nil && n > 0
	}
	if m := zipVolume.FindStringSubmatch(name); m != nil {
		n, err := strconv.Atoi(m[2])
		return "zip:" + m[1], n, false, err == nil && n > 0
	}
	if m := partVolume.FindStringSubmatch(name); m != nil {
		n, err := strconv.Atoi(m[2])
		return "rar:" + strings.ToLower(m[1]+m[3]), n, n == 1, err == nil && n > 0
	}
	if m := oldVolume.FindStringSubmatch(name); m != nil {
		n, err := strconv.Atoi(m[3])
		return "old:" + m[1], 1 + n + 100*int(strings.ToLower(m[2])[0]-'r'), false, err == nil
	}
	low := strings.ToLower(name)
	switch {
	case strings.HasSuffix(low, ".zip"):
		return "zip:" + name[:len(name)-4], 1 << 30, true, true
	case strings.HasSuffix(low, renamedZip):
		return "zip:" + name[:len(name)-len(renamedZip)], 1 << 30, true, true
	case strings.HasSuffix(low, ".rar"):
		return "old:" + name[:len(name)-4], 0, true, true
	}
	return "", 0, false, false
}

// IsVolume reports whether a name may be an archive's or that of one of its
// volumes.
func IsVolume(name string) bool {
	if dot := strings.LastIndexByte(name, '.'); dot < 0 || len(name)-dot > len(renamedZip) {
		return false // nearly all names; patterns are slow
	}
	if IsArchive(name) {
		return true
	}
	_, _, _, ok := volumeOf(name)
	return ok
}

// Volumes finds the archives of several files among names: for the name of
// each the names of its files in their order. One of a series whose named file
// is missing is no archive; gaps show when it is opened.
func Volumes(names []string) map[string][]string {
	type volume struct {
		name   string
		number int
	}
	groups := map[string][]volume{}
	mains := map[string]string{}
	for _, n := range names {
		g, k, main, ok := volumeOf(n)
		if !ok {
			continue
		}
		groups[g] = append(groups[g], volume{n, k})
		if main {
			mains[g] = n
		}
	}
	out := map[string][]string{}
	for g, main := range mains {
		v := groups[g]
		if len(v) < 2 {
			continue
		}
		slices.SortFunc(v, func(a, b volume) int { return cmp.Compare(a.number, b.number) })
		for _, o := range v {
			out[main] = append(out[main], o.name)
		}
	}
	return out
}

// typeName is the name that an archive's type is told by: that of the cut one.
func typeName(name string) string {
	if m := cutVolume.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	return name
}

// Join returns the volumes as one blob, which closes them.
func Join(volumes []Volume) blob.Blob {
	parts := make([]blob.Blob, len(volumes))
	for i, v := range volumes {
		parts[i] = v.Blob
	}
	return newConcat(parts...)
}

// alone opens the volume that an archive is named by for itself.
func alone(ctx context.Context, env Env, open func(context.Context, blob.Blob, Env) (Archive, error)) (Archive, error) {
	b := env.Volumes[len(env.Volumes)-1].Blob
	if env.Key != "" {
		env.Key += "\nalone"
	}
	env.Volumes = nil
	return open(ctx, b, env)
}

func errVolumes(have, want int) error {
	return fmt.Errorf("%w: %d volumes of %d: the others are missing", ErrFormat, have, want)
}
