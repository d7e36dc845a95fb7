package fetch

import "testing"

func TestContentRange(t *testing.T) {
	tests := []struct {
		in                 string
		first, last, total int64
		ok                 bool
	}{
		{"bytes 0-99/1234", 0, 99, 1234, true},
		{"bytes 5-5/*", 5, 5, -1, true},
		{"bytes */0", -1, -1, 0, true},
		{"bytes 0-99/99", 0, 0, 0, false},
		{"bytes 9-5/99", 0, 0, 0, false},
		{"bytes -5/99", 0, 0, 0, false},
		{"bytes 0-9", 0, 0, 0, false},
		{"items 0-9/10", 0, 0, 0, false},
		{"", 0, 0, 0, false},
	}
	for _, tt := range tests {
		a, b, n, err := contentRange(tt.in)
		if (err == nil) != tt.ok || tt.ok && (a != tt.first || b != tt.last || n != tt.total) {
			t.Errorf("%q: %d-%d/%d, %v", tt.in, a, b, n, err)
		}
	}
}

func FuzzContentRange(f *testing.F) {
	f.Add("bytes 0-99/1234")
	f.Add("bytes */5")
	f.Fuzz(func(t *testing.T, s string) {
		a, b, n, err := contentRange(s)
		if err == nil && (a > b || a < -1 || n < -1 || n >= 0 && b >= n) {
			t.Errorf("%q: %d-%d/%d", s, a, b, n)
		}
	})
}

func TestPinTellsVersionsApart(t *testing.T) {
	p := pin{10, `"a"`, "Mon"}
	tests := []struct {
		now  pin
		same bool
	}{
		{pin{10, `"a"`, "Mon"}, true},
		{pin{10, `W/"a"`, "Tue"}, true}, // the ETag decides
		{pin{-1, "", ""}, true},
		{pin{11, `"a"`, "Mon"}, false},
		{pin{10, `"b"`, "Mon"}, false},
		{pin{10, "", "Tue"}, false},
	}
	for _, tt := range tests {
		if err := p.check(tt.now); (err == nil) != tt.same {
			t.Errorf("%+v: %v", tt.now, err)
		}
	}
}
