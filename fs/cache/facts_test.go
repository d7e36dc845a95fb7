package cache

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestFacts(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, Options{})
	f := c.Facts()
	big := bytes.Repeat([]byte("a listing of many files\n"), 220_000) // 5 MB
	noise := payload(3, 3<<20)
	want := map[string][]byte{"zip:a": []byte("1"), "zip:b": {}, "pin:c": []byte("3"), "big": big, "noise": noise, "zip:": []byte("x")}
	for k, v := range want {
		if err := f.Set(k, v); err != nil {
			t.Fatal(err)
		}
		if got, ok := f.Get(k); !ok || !bytes.Equal(got, v) {
			t.Errorf("%s: not readable at once", k)
		}
	}
	f.Set("gone", []byte("x"))
	f.Delete("gone")
	check := func(f *Facts) {
		t.Helper()
		for k, v := range want {
			if got, ok := f.Get(k); !ok || !bytes.Equal(got, v) {
				t.Errorf("%s: %d bytes, %v", k, len(got), ok)
			}
		}
		if _, ok := f.Get("gone"); ok {
			t.Error("a deleted fact")
		}
		if _, ok := f.Get("never"); ok {
			t.Error("a fact that never was")
		}
		var keys []string
		if err := f.Each("zip:", func(k string, _ []byte) bool { keys = append(keys, k); return true }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(keys, []string{"zip:", "zip:a", "zip:b"}) {
			t.Errorf("Each gave %q", keys)
		}
		n := 0
		f.Each("", func(string, []byte) bool { n++; return n < 2 })
		if n != 2 {
			t.Errorf("Each went on to %d", n)
		}
	}
	check(f)
	if err := f.Flush(); err != nil {
		t.Fatal(err)
	}
	check(f)
	if err := f.Set("zip:a", []byte("other")); err != nil {
		t.Fatal(err)
	}
	want["zip:a"] = []byte("other")
	c.Close()
	check(open(t, dir, Options{}).Facts())
}

func TestFactsBounds(t *testing.T) {
	f := open(t, t.TempDir(), Options{}).Facts()
	if err := f.Set(strings.Repeat("k", 40<<10), nil); err == nil {
		t.Error("a name of 40 KB is taken")
	}
	for _, b := range [][]byte{nil, {9}, {1}, {1, 2, 3}} {
		if _, err := unpackFact(b); err == nil {
			t.Errorf("%v is a fact", b)
		}
	}
}

func TestManyFacts(t *testing.T) {
	n := 200_000
	if testing.Short() {
		n = 20_000
	}
	f := open(t, t.TempDir(), Options{}).Facts()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := g; i < n; i += 4 {
				if err := f.Set(fmt.Sprintf("head:%07d", i), fmt.Appendf(nil, "value of %d", i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	seen := 0
	if err := f.Each("head:", func(k string, v []byte) bool {
		if k != fmt.Sprintf("head:%07d", seen) || string(v) != fmt.Sprintf("value of %d", seen) {
			t.Fatalf("%d: %s is %q", seen, k, v)
		}
		seen++
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if seen != n {
		t.Errorf("%d of %d facts", seen, n)
	}
}

func FuzzUnpackFact(f *testing.F) {
	f.Add(packFact([]byte("short")))
	f.Add(packFact(bytes.Repeat([]byte("long "), 1000)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := unpackFact(b); err == nil {
			if again, err := unpackFact(packFact(v)); err != nil || !bytes.Equal(again, v) {
				t.Error("a value changed by packing")
			}
		}
	})
}
