package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// generic are the options that mount(8) and fstab(5) pass to every helper and
// that have no meaning of their own here: the mount is read-only, and nosuid,
// nodev and noatime in any case.
var generic = map[string]bool{
	"ro": true, "rw": true, "defaults": true, "auto": true, "noauto": true,
	"user": true, "users": true, "nouser": true, "owner": true, "group": true,
	"_netdev": true, "nofail": true, "exec": true, "noexec": true,
	"suid": true, "nosuid": true, "dev": true, "nodev": true,
	"sync": true, "async": true, "dirsync": true, "silent": true, "loud": true,
	"atime": true, "noatime": true, "relatime": true, "norelatime": true,
	"strictatime": true, "nostrictatime": true, "diratime": true, "nodiratime": true,
	"lazytime": true, "nolazytime": true, "mand": true, "nomand": true,
	"iversion": true, "noiversion": true, "default_permissions": true, "nonempty": true,
	"fsname": true, "subtype": true, "comment": true,
}

// SplitMountOptions cuts "a,b=c" at its commas; a backslash takes the next
// byte as it is. Empty items are dropped.
func SplitMountOptions(s string) []string {
	var out []string
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			out = append(out, b.String())
		}
		b.Reset()
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == ',':
			flush()
		default:
			b.WriteByte(s[i])
		}
	}
	flush()
	return out
}

// mountOptions sets the options that the texts of -o name.
func (s *Set) mountOptions(fs *pflag.FlagSet) error {
	o := s.Find("option")
	if o == nil || fs.Lookup(o.Name) == nil {
		return nil
	}
	texts, ok := o.Value.(*listValue)
	if !ok {
		return nil
	}
	for _, text := range *texts {
		for _, item := range SplitMountOptions(text) {
			if err := s.mountOption(fs, item); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Set) mountOption(fs *pflag.FlagSet, item string) error {
	key, value, has := strings.Cut(item, "=")
	low := strings.ToLower(key)
	if generic[key] || strings.HasPrefix(low, "x-") {
		return nil
	}
	if key == "remount" {
		return errors.New("mount option remount: unmount and mount again instead")
	}
	o := s.Find(key)
	if o == nil || o.Local || fs.Lookup(o.Name) == nil {
		if s.Sloppy {
			return nil
		}
		return fmt.Errorf("unknown mount option %q", key)
	}
	if !has {
		if o.Arg != "" {
			return fmt.Errorf("mount option %s needs a value: %s=%s", key, key, o.Arg)
		}
		value = "true"
	}
	if err := fs.Set(o.Name, value); err != nil {
		return fmt.Errorf("mount option %s: %w", item, err)
	}
	return nil
}
