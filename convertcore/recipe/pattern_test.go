package recipe

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, path string
		want          string // the placeholders' texts joined with "|"; "-" where nothing matches
	}{
		{"a.zip!/b.png", "a.zip!/b.png", ""},
		{"a.zip!/b.png", "a.zip!/b.png2", "-"},
		{"a.zip!/b.png", "xa.zip!/b.png", "-"},
		{"{case}.png", "c1.png", "c1"},
		{"{case}.png", ".png", "-"},
		{"{case}.png", "d/c1.png", "-"},
		{"{case}/images/{case}.png", "c1/images/c1.png", "c1"},
		{"{case}/images/{case}.png", "c1/images/c2.png", "-"},
		{"{case}/images/{case}.png", "c1/images/c1c1.png", "-"},
		{"{case+}.png", "d/c1.png", "d/c1"},
		{"img/{case+}.png", "img/a/b/c.png", "a/b/c"},
		{"{case+}/x/{case}.png", "a/b/x/a/b.png", "a/b"},
		{"{case}_{slice}.png", "p_01_003.png", "p_01|003"},
		{"{case}_mask.png", "a_mask_mask.png", "a_mask"},
		{"{case}_mask.png", "_mask.png", "-"},
		{"{case}/masks/*.png", "c/masks/1.png", "c"},
		{"{case}/masks/*.png", "c/masks/.png", "c"},
		{"{case}/masks/*.png", "c/masks/d/1.png", "-"},
		{"{case}/**.png", "c/masks/d/1.png", "c"},
		{"**/{case}.png", "1.png", "1"},
		{"**/{case}.png", "a/b/1.png", "1"},
		{"z!/**/{case}.png", "z!/1.png", "1"},
		{"z!/**/{case}.png", "z1.png", "-"},
		{"a**", "a", ""},
		{"*", "", ""},
		{"*", "a/b", "-"},
		{"a*b*c", "abbcbc", ""},
		{"a*b*c", "abbcb", "-"},
		{"ab*b", "ab", "-"},
		{"img{Tr,Ts}/{case}.nii{.gz,}", "imgTs/x.nii.gz", "x"},
		{"img{Tr,Ts}/{case}.nii{.gz,}", "imgTs/x.nii", "x"},
		{"img{Tr,Ts}/{case}.nii{.gz,}", "imgTv/x.nii", "-"},
		{"{case}{.jpg,.JPG}", "a.jpg.JPG", "a.jpg"},
		{"{case}_mask{,_1,_2}.png", "b (1)_mask_2.png", "b (1)"},
		{`\{{case}\}\*.png`, "{x}*.png", "x"},
		{"{a}-{b}/{a}/{b}", "x-y-z/x-y/z", "x-y|z"},
		{"{a}-{b}/{a}/{b}", "x-y-z/x/y-z", "x|y-z"},
		{"{a}-{b}/{a}/{b}", "x-y-z/y/z", "-"},
		{"{organ=liver}/{case}.png", "liver/1.png", "liver|1"},
		{"{organ=liver}/{case}.png", "spleen/1.png", "-"},
		{"{case}_{set=b}/{set}{,s}/{case}", "a_b/bs/a", "a|b"},
		{"Ground truth/{case}.tif", "Ground truth/é1.tif", "é1"},
	} {
		p, err := Compile(tt.pattern)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		got := "-"
		vals := make([]string, len(p.Names()))
		if p.Match(tt.path, vals) {
			got = strings.Join(vals, "|")
		}
		if got != tt.want {
			t.Errorf("%q on %q: %q, want %q", tt.pattern, tt.path, got, tt.want)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	for _, tt := range []struct{ pattern, want string }{
		{"", "empty"},
		{"a{case", "column 2: { without }"},
		{"a}", "column 2: } without {"},
		{"{Case}", "not a placeholder's name"},
		{"{}", "not a placeholder's name"},
		{"{a,{b}}", "inside braces"},
		{"{case}/{case=a}", "the second {case}"},
		{"{n=}", "no placeholder's name with a text"},
		{"{case}{n}", "where one wildcard"},
		{"*{case}", "where one wildcard"},
		{"***", "more than two stars"},
		{`a\`, `nothing after \`},
		{"{case}/{case+}", "was first {case}"},
		{"{a}{b,c}{a}/{d}{b,c}{d}/{e}{b,c}{e}", "recur"},
		{strings.Repeat("*a", 20), "more than 16"},
		{strings.Repeat("a", maxPattern+1), "longer"},
	} {
		if _, err := Compile(tt.pattern); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.40q: error %v, want %q", tt.pattern, err, tt.want)
		}
	}
}

// TestMatchIsNotSlow tries what makes backtracking matchers explode.
func TestMatchIsNotSlow(t *testing.T) {
	long := strings.Repeat("a", maxPath)
	slashes := strings.Repeat("a/", maxPath/2)
	for _, tt := range []struct{ pattern, path string }{
		{strings.Repeat("*a", 15) + "b", long},
		{strings.Repeat("**a", 15) + "{b,c}", long},
		{strings.Repeat("**/a/", 15) + "{b,c}", slashes},
		{"{x}a{y}a{z}{b,c}", long},
		{"{x}a{x}a{y}a{y}{b,c}", long},
		{"{x+}/{x}/{y+}/{y}{b,c}", slashes},
	} {
		p, err := Compile(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if p.Match(tt.path, make([]string, len(p.Names()))) {
			t.Errorf("%q matches", tt.pattern)
		}
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("%q took %v", tt.pattern, d)
		}
	}
}

// TestMatchRemembers passes the point from which dead ends are remembered, in
// a match that only succeeds after placeholders were bound anew.
func TestMatchRemembers(t *testing.T) {
	p, err := Compile("{x}-{y}/**/{x}_**_{y}.png")
	if err != nil {
		t.Fatal(err)
	}
	name := strings.Repeat("a-", 40) + "b"
	path := name + "/" + strings.Repeat("a_/a-a_/", 60) + "a-a_" + "zz_" + name[4:] + ".png"
	vals := make([]string, 2)
	if !p.Match(path, vals) || vals[0] != "a-a" || vals[1] != name[4:] {
		t.Errorf("%q", vals)
	}
}

func TestMatchSharesMemory(t *testing.T) {
	p, err := Compile("s.zip!/{case}/images/{case}.png")
	if err != nil {
		t.Fatal(err)
	}
	vals := make([]string, 1)
	path := "s.zip!/c1/images/c1.png"
	if n := testing.AllocsPerRun(100, func() { p.Match(path, vals) }); n != 0 {
		t.Errorf("%v allocations a match", n)
	}
}

// reference is the pattern as a regular expression; "" where a placeholder
// recurs, which RE2 cannot say.
func reference(p *Pattern) string {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for _, t := range p.toks {
		switch t.kind {
		case lit:
			b.WriteString(regexp.QuoteMeta(t.text))
		case alt:
			var alts []string
			for _, a := range t.alts {
				alts = append(alts, regexp.QuoteMeta(a))
			}
			b.WriteString("(?:" + strings.Join(alts, "|") + ")")
		case star:
			b.WriteString("[^/]*")
		case deepStar:
			b.WriteString(".*")
		case folders:
			b.WriteString("(?:.*/)?")
		case bind:
			b.WriteString(map[bool]string{false: "([^/]+)", true: "(.+)"}[t.deep])
		case set:
			b.WriteString("(" + regexp.QuoteMeta(t.text) + ")")
		case ref:
			return ""
		}
	}
	return b.String() + `\z`
}

// FuzzPattern compiles and matches, and compares with RE2 where it can.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{
		"{case}/images/{case}.png\x00c1/images/c1.png", "**/{case}_{n}.nii{.gz,}\x00a/b/c_d_e.nii",
		"{case+}/*a*b\x00aab/ab/aab", "*a*a*a{x,}\x00aaaaaaaaaaaaaaaaaaaaaaaaaaaa", `\{*\}` + "\x00{}", "a**/b\x00a/b", "{a=b}{c}/*\x00bc/d",
	} {
		pattern, path, _ := strings.Cut(s, "\x00")
		f.Add(pattern, path)
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		p, err := Compile(pattern)
		if err != nil || len(path) > 300 {
			return
		}
		vals := make([]string, len(p.Names()))
		ok := p.Match(path, vals)
		expr := reference(p)
		if expr == "" || !utf8.ValidString(pattern) || !utf8.ValidString(path) {
			return
		}
		m := regexp.MustCompile(expr).FindStringSubmatch(path)
		if ok != (m != nil) {
			t.Fatalf("%q on %q: %v, RE2 %v", pattern, path, ok, m != nil)
		}
		if ok && !slices.Equal(vals, m[1:]) {
			t.Fatalf("%q on %q: %q, RE2 %q", pattern, path, vals, m[1:])
		}
	})
}

func TestCaseID(t *testing.T) {
	long := strings.Repeat("é", 200)
	for _, tt := range []struct{ text, want string }{
		{"0007_1s", "0007_1s"},
		{"a/b c", "a__b c"},
		{".", "_"},
		{"..", "_."},
		{"a:b*c\\d\x00e\xff", "a_b_c_d_e_"},
		{"é", "é"},
		{"", "_"},
	} {
		if got := CaseID(tt.text); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
	got := CaseID(long)
	if len(got) > maxID || !utf8.ValidString(got) || got == CaseID(long+"x") {
		t.Errorf("long text: %q", got)
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, pattern := range []string{"s.zip!/{case}/images/{case}.png", "s.zip!/{case}/masks/*.png", "**/{case}_{n}.png"} {
		b.Run(strings.ReplaceAll(pattern, "/", "|"), func(b *testing.B) {
			p, err := Compile(pattern)
			if err != nil {
				b.Fatal(err)
			}
			vals := make([]string, len(p.Names()))
			id := strings.Repeat("0123456789abcdef", 4)
			path := fmt.Sprintf("s.zip!/%s/images/%s.png", id, id)
			b.ReportAllocs()
			for b.Loop() {
				p.Match(path, vals)
			}
		})
	}
}
