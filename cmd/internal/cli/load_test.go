package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

type sample struct {
	cache   string
	limit   int64
	timeout time.Duration
	mirror  []string
	demo    bool
	open    string
	config  string
	jobs    int
	o       []string
}

func (v *sample) set() *Set {
	return &Set{Prog: "omnitest", Options: []Option{
		{Name: "config", Arg: "FILE", Help: "config file", Value: Text(&v.config, ""), Local: true},
		{Name: "cache", Arg: "DIR", Help: "cache folder", Value: Text(&v.cache, "/default")},
		{Name: "cache-limit", Arg: "SIZE", Help: "limit", Value: Bytes(&v.limit, 50<<30)},
		{Name: "timeout", Arg: "TIME", Help: "timeout", Value: Duration(&v.timeout, time.Minute)},
		{Name: "mirror", Arg: "P=U", Help: "mirror", Value: List(&v.mirror)},
		{Name: "demo", Help: "demo", Value: Switch(&v.demo, false), Verbs: []string{"mount"}},
		{Name: "open", Arg: "HOW", Help: "open", Value: Choice(&v.open, "enosys", "enosys", "keep")},
		{Name: "jobs", Short: "j", Arg: "N", Help: "jobs", Value: Count(&v.jobs, 4, 1, 64), Verbs: []string{"fetch"}},
		{Name: "option", Short: "o", Arg: "OPTS", Help: "mount options", Value: List(&v.o), Local: true, Verbs: []string{"mount"}},
	}}
}

// env looks variables up in pairs "A=b".
func env(pairs ...string) func(string) (string, bool) {
	return func(key string) (string, bool) {
		for _, p := range pairs {
			if k, v, _ := strings.Cut(p, "="); k == key {
				return v, true
			}
		}
		return "", false
	}
}

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPrecedence(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	file := writeConfig(t, "cache = \"/file\"\ncache-limit = \"1GiB\"\ntimeout = 5\nmirror = [\"a=b\", \"c=d\"]\ndemo = true\njobs = 9\n")
	tests := []struct {
		name string
		args []string
		env  []string
		want func(*sample) bool
	}{
		{"default", nil, nil, func(v *sample) bool { return v.cache == "/default" && v.limit == 50<<30 && v.jobs == 4 }},
		{"file", []string{"--config", file}, nil, func(v *sample) bool {
			return v.cache == "/file" && v.limit == 1<<30 && v.timeout == 5*time.Second && v.demo &&
				slices.Equal(v.mirror, []string{"a=b", "c=d"}) && v.jobs == 4
		}},
		{"env over file", nil, []string{"OMNITEST_CONFIG=" + file, "OMNITEST_CACHE=/env", "OMNITEST_MIRROR=x=y,z=w"}, func(v *sample) bool {
			return v.cache == "/env" && v.limit == 1<<30 && slices.Equal(v.mirror, []string{"x=y", "z=w"})
		}},
		{"flag over env", []string{"--cache=/flag", "--demo=false", "--config", file}, []string{"OMNITEST_CACHE=/env", "OMNITEST_DEMO=1"}, func(v *sample) bool {
			return v.cache == "/flag" && !v.demo
		}},
		{"empty variable is unset", nil, []string{"OMNITEST_CACHE="}, func(v *sample) bool { return v.cache == "/default" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var v sample
			if _, err := v.set().Load("mount", tt.args, env(tt.env...)); err != nil {
				t.Fatal(err)
			}
			if !tt.want(&v) {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	tests := []struct {
		name string
		args []string
		env  []string
		file string
		want string
	}{
		{"unknown flag", []string{"--nope"}, nil, "", "unknown flag"},
		{"flag of another verb", []string{"--jobs=3"}, nil, "", "unknown flag"},
		{"bad flag value", []string{"--open=never"}, nil, "", `"never" is not one of enosys, keep`},
		{"bad variable", nil, []string{"OMNITEST_CACHE_LIMIT=many"}, "", "OMNITEST_CACHE_LIMIT=many: \"many\" is not a size"},
		{"unknown key", nil, nil, "cahce = 1\n", `unknown key "cahce"`},
		{"local key", nil, nil, "option = \"x\"\n", `unknown key "option"`},
		{"list for one value", nil, nil, "cache = [\"a\"]\n", "takes one value"},
		{"table", nil, nil, "[cache]\na = 1\n", "text, a number or true/false"},
		{"bad toml", nil, nil, "cache = \n", "config file"},
		{"config is absent", []string{"--config=/does/not/exist"}, nil, "", "config file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			args := tt.args
			if tt.file != "" {
				args = append(args, "--config="+writeConfig(t, tt.file))
			}
			var v sample
			_, err := v.set().Load("mount", args, env(tt.env...))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v; want one with %q", err, tt.want)
			}
			if code := ExitCode(err); code != ExitUsage {
				t.Errorf("exit code %d, want %d", code, ExitUsage)
			}
		})
	}
}

func TestMountOptions(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	load := func(sloppy bool, opts ...string) (*sample, error) {
		var v sample
		s := v.set()
		s.Sloppy = sloppy
		var args []string
		for _, o := range opts {
			args = append(args, "-o", o)
		}
		_, err := s.Load("mount", args, env("OMNITEST_CACHE=/env", "OMNITEST_TIMEOUT=7", "OMNITEST_MIRROR=e=f"))
		return &v, err
	}
	v, err := load(false, "ro,_netdev,x-systemd.automount,user=kim,demo,cache=/c\\,d,cache_limit=200MB", "mirror=a=b,mirror=c=d")
	if err != nil {
		t.Fatal(err)
	}
	if v.cache != "/c,d" || v.limit != 200e6 || !v.demo || v.timeout != 7*time.Second || !slices.Equal(v.mirror, []string{"a=b", "c=d"}) {
		t.Errorf("got %+v", *v)
	}
	for opts, want := range map[string]string{
		"colour=red":  `unknown mount option "colour"`,
		"cache":       "needs a value",
		"open=never":  "not one of",
		"remount,ro":  "unmount and mount again",
		"config=/etc": "unknown mount option",
	} {
		if _, err := load(false, opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v; want one with %q", opts, err, want)
		}
	}
	if _, err := load(true, "colour=red"); err != nil {
		t.Errorf("sloppy: %v", err)
	}
}

func TestHelp(t *testing.T) {
	var v sample
	s := v.set()
	mount, fetch := s.Help("mount"), s.Help("fetch")
	for _, want := range []string{"--cache-limit SIZE", "(default 50GiB)", "-o, --option OPTS", "--demo "} {
		if !strings.Contains(mount, want) {
			t.Errorf("help of mount lacks %q:\n%s", want, mount)
		}
	}
	if !strings.Contains(fetch, "-j, --jobs N") || strings.Contains(fetch, "--demo") {
		t.Errorf("help of fetch:\n%s", fetch)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("cache = \"/x\"\nmirror = [\"a=b\"]\n"))
	f.Add([]byte("demo = true\ntimeout = 1.5\n[cache]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var v sample
		s := v.set()
		values, err := s.parseConfig(data)
		if err != nil {
			return
		}
		for name := range values {
			if s.Find(name) == nil {
				t.Errorf("%q is no option", name)
			}
		}
	})
}

func FuzzMountOptions(f *testing.F) {
	f.Add("ro,cache=/x,cache_limit=1GiB,x-foo")
	f.Add("a\\,b,,\\")
	f.Fuzz(func(t *testing.T, text string) {
		for _, item := range SplitMountOptions(text) {
			if item == "" {
				t.Error("empty item")
			}
		}
		var v sample
		s := v.set()
		s.Sloppy = true
		_, _ = s.Load("mount", []string{"-o", text}, env())
	})
}
