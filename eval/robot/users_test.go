package robot

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"sort"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// shapes are masks that users draw on: a blob of two discs, a thin wavy
// vessel, an ellipsoid.
func shapes(t testing.TB) map[string]*mask.Mask {
	blob := newMask(t, 96, 128)
	blob.FillBall(mask.Point{0, 48, 50}, 22, true)
	blob.FillBall(mask.Point{0, 40, 80}, 15, true)
	vessel := newMask(t, 96, 128)
	for x := 6; x < 122; x++ {
		vessel.FillBall(mask.Point{0, 48 + int(25*math.Sin(float64(x)/14)), x}, 1.5, true)
	}
	organ := newMask(t, 24, 48, 40)
	for z := range 24 {
		for y := range 48 {
			for x := range 40 {
				a, b, c := float64(z-12)/8, float64(y-22)/17, float64(x-20)/13
				organ.Set(mask.Point{z, y, x}, a*a+b*b+c*c < 1)
			}
		}
	}
	return map[string]*mask.Mask{"blob": blob, "vessel": vessel, "organ": organ}
}

func newMask(t testing.TB, dims ...int) *mask.Mask {
	m, err := mask.New(dims, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// NumPy's Philox with the same key draws these.
func TestPhiloxIsNumPys(t *testing.T) {
	p := newPhilox(0x0123456789abcdef, 0xfedcba9876543210)
	for i, want := range []uint64{0x2d2e7c09c193c5fa, 0xd56c6aa2d11f06aa, 0x184fcdf7f5474a23, 0x367832d087008054, 0x56ffd4cf84d16286, 0x9fc1192f2145d80} {
		if got := p.Uint64(); got != want {
			t.Errorf("value %d is %x, want %x", i, got, want)
		}
	}
}

func TestKeysTellFieldsApart(t *testing.T) {
	seen := make(map[uint64]Key)
	for _, k := range []Key{{}, {Seed: 1}, {Dataset: "a"}, {Case: "a"}, {Class: "a"}, {User: "a"}, {Trial: 1}, {Step: 1}, {Dataset: "ab", Case: "c"}, {Dataset: "a", Case: "bc"}} {
		v := k.Rand().Uint64()
		if other, ok := seen[v]; ok {
			t.Errorf("%+v and %+v draw the same", k, other)
		}
		seen[v] = k
	}
}

// Every registered user, on every shape: prompts repeat with their stream, lie
// where they should, and nothing is drawn on nothing.
func TestEveryUser(t *testing.T) {
	for name, m := range shapes(t) {
		for _, user := range Names() {
			u := mustParse(t, user)
			p, ok, err := u.Prompt(Of(m), Key{Seed: 3}.Rand())
			if errors.Is(err, ErrDims) && m.NDim() == 3 {
				continue
			}
			if err != nil || !ok {
				t.Errorf("%s on %s: %v, %v", user, name, ok, err)
				continue
			}
			if err := p.Check(m.Dims()); err != nil {
				t.Errorf("%s on %s: %v", user, name, err)
			}
			again, _, _ := u.Prompt(Of(m), Key{Seed: 3}.Rand())
			if !reflect.DeepEqual(p, again) {
				t.Errorf("%s on %s: the same stream drew another prompt", user, name)
			}
			if p.Kind != Box {
				for _, c := range p.Points {
					if at, err := m.PointOf(c); err != nil || !m.At(at) {
						t.Fatalf("%s on %s: point %v outside the mask", user, name, c)
					}
				}
			}
			if _, ok, err := u.Prompt(Of(m.Like()), Key{}.Rand()); ok || err != nil {
				t.Errorf("%s prompts on an empty mask (%v)", user, err)
			}
		}
	}
}

func TestPolygonRefusesVolumes(t *testing.T) {
	_, _, err := mustParse(t, "polygon").Prompt(Of(shapes(t)["organ"]), Key{}.Rand())
	if !errors.Is(err, ErrDims) {
		t.Errorf("error %v, want ErrDims", err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, name := range []string{"", "click", "click:largest", "click:largest:nowhere", "click:largest:center?units=inch",
		"click:largest:random?tie=first", "polygon:largest:even?n=2", "polygon:largest:even?n=3.5", "click:largest:center?%"} {
		if u, err := Parse(name); err == nil {
			t.Errorf("%q gave %s", name, u.Name())
		}
	}
	if u := mustParse(t, "click:largest:center?tie=first&units=mm"); u.Name() != "click:largest:center?tie=first&units=mm" {
		t.Errorf("name %q", u.Name())
	}
}

// The noise is as often positive as negative, so the fragment mask keeps one
// half of the bare line on average. Where that would be nothing, all is kept,
// which raises the mean by the share of such draws. That share is not small on
// a short line; allNegative computes it from the definition alone.
func TestFragmentationKeepsAboutHalf(t *testing.T) {
	const seeds = 1000
	for _, name := range []string{"blob", "vessel"} {
		area, _, err := crop(shapes(t)[name], fieldMargin)
		if err != nil {
			t.Fatal(err)
		}
		line, err := skeleton(area)
		if err != nil {
			t.Fatal(err)
		}
		kept, rescued := 0.0, 0
		for seed := range seeds {
			rng := Key{Seed: uint64(seed)}.Rand()
			f, err := fragment(line, uniform(rng, fragmentSigma), rng)
			switch {
			case err != nil:
				t.Fatal(err)
			case f.Empty():
				t.Fatalf("%s seed %d: nothing kept", name, seed)
			case f == line:
				rescued++
			default:
				kept += float64(f.Count()) / float64(line.Count())
			}
		}
		mean, share := kept/seeds, float64(rescued)/seeds
		want, trials := allNegative(line)
		t.Logf("%s: line of %d pixels, kept fraction %.3f, %.3f with the %.3f of draws that keep all instead of nothing, %.3f by the definition",
			name, line.Count(), mean, mean+share, share, want)
		// A fraction in [0, 1] has a standard error of at most 0.5/√seeds.
		if limit := 4 * 0.5 / math.Sqrt(seeds); math.Abs(mean-0.5) > limit {
			t.Errorf("%s: mean kept fraction %.3f, want 0.5 ± %.3f", name, mean, limit)
		}
		// Four standard errors of two counted shares, one of each side.
		if limit := 4 * math.Sqrt(max(want*(1-want), 1.0/seeds)*(1.0/seeds+1/trials)); math.Abs(share-want) > limit {
			t.Errorf("%s: %.3f of the draws kept all instead of nothing, want %.3f ± %.3f", name, share, want, limit)
		}
	}
}

// allNegative is the probability that smooth noise is negative on the whole
// line, by EVAL.md's definition: white noise on the canvas, 0 outside, blurred
// with a Gaussian cut off at int(3σ+0.5), σ ~ U(4, 16). The noise on the line
// is normal with the covariance Σ_k g(a-k)·g(b-k) over the canvas, which is a
// product over the axes; drawn through its Cholesky factor, no code of the
// field takes part.
func allNegative(line *mask.Mask) (share, trials float64) {
	const sigmas, draws = 48, 250
	var points []mask.Point
	for p := range line.All() {
		points = append(points, p)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	count := 0
	for i := range sigmas {
		sigma := fragmentSigma[0] + (fragmentSigma[1]-fragmentSigma[0])*(float64(i)+0.5)/sigmas
		factor := cholesky(points, blurCovariance(line.Shape()[1], sigma), blurCovariance(line.Shape()[2], sigma))
		z := make([]float64, len(points))
		for range draws {
			for k := range z {
				z[k] = rng.NormFloat64()
			}
			negative := true
			for r := 0; r < len(z) && negative; r++ {
				v := 0.0
				for c, f := range factor[r] {
					v += f * z[c]
				}
				negative = v <= 0
			}
			if negative {
				count++
			}
		}
	}
	return float64(count) / (sigmas * draws), sigmas * draws
}

// blurCovariance is that of blurred white noise on n positions of one axis.
func blurCovariance(n int, sigma float64) [][]float64 {
	radius := int(3*sigma + 0.5)
	g := func(d int) float64 {
		if d < -radius || d > radius {
			return 0
		}
		return math.Exp(-float64(d*d) / (2 * sigma * sigma))
	}
	out := make([][]float64, n)
	for i := range out {
		out[i] = make([]float64, n)
		for j := range out[i] {
			for k := range n {
				out[i][j] += g(i-k) * g(j-k)
			}
		}
	}
	return out
}

// cholesky factors the correlation of the points. What is left of a variance
// below 1e-9 is rounding: such a point is a sum of those before.
func cholesky(points []mask.Point, rows, columns [][]float64) [][]float64 {
	cov := func(a, b mask.Point) float64 { return rows[a[1]][b[1]] * columns[a[2]][b[2]] }
	l := make([][]float64, len(points))
	for i, p := range points {
		l[i] = make([]float64, i+1)
		for j, q := range points[:i+1] {
			v := cov(p, q) / math.Sqrt(cov(p, p)*cov(q, q))
			for k := range j {
				v -= l[i][k] * l[j][k]
			}
			switch {
			case i == j:
				l[i][i] = math.Sqrt(max(v, 0))
			case l[j][j] > 3e-5:
				l[i][j] = v / l[j][j]
			}
		}
	}
	return l
}

func TestScribblesStayInside(t *testing.T) {
	for name, m := range shapes(t) {
		for _, user := range []string{"scribble:largest:centerline", "scribble:largest:boundary", "scribble:largest:random?lines=3&width=3"} {
			u := mustParse(t, user)
			for seed := range 60 {
				p, ok, err := u.Prompt(Of(m), Key{Seed: uint64(seed)}.Rand())
				if err != nil || !ok || len(p.Points) == 0 {
					t.Fatalf("%s on %s, seed %d: nothing (%v)", user, name, seed, err)
				}
				for _, c := range p.Points {
					if at, _ := m.PointOf(c); !m.At(at) {
						t.Fatalf("%s on %s, seed %d: %v outside", user, name, seed, c)
					}
				}
			}
		}
	}
}

// ks is the Kolmogorov-Smirnov distance of values from U(lo, hi).
func ks(values []float64, lo, hi float64) float64 {
	sort.Float64s(values)
	n, d := float64(len(values)), 0.0
	for i, v := range values {
		f := min(max((v-lo)/(hi-lo), 0), 1)
		d = max(d, math.Abs(f-float64(i)/n), math.Abs(f-float64(i+1)/n))
	}
	return d
}

// Boxes around a side of 10,000 voxels show u to four digits; at 2,000 draws
// the distance exceeds 1.63/√n once in a hundred seeds, and this one is fixed.
func TestBoxJitterIsUniform(t *testing.T) {
	const lo, hi, n, draws = 10000, 20000, 30000, 2000
	limit := 1.63 / math.Sqrt(draws)
	rng := Key{Seed: 11}.Rand()
	var grow, low, high []float64
	outward := 0
	for range draws {
		a, b := careful(lo, hi, n, rng)
		if lo-a != b-hi {
			t.Fatalf("careful box [%d, %d) is not symmetric", a, b)
		}
		grow = append(grow, float64(lo-a+b-hi)/(hi-lo))
		a, b = sloppy(lo, hi, n, rng)
		low, high = append(low, math.Abs(float64(a-lo))/(hi-lo)), append(high, math.Abs(float64(b-hi))/(hi-lo))
		if a < lo {
			outward++
		}
		if b > hi {
			outward++
		}
	}
	for name, v := range map[string][]float64{"careful": grow, "sloppy low": low, "sloppy high": high} {
		if d := ks(v, jitterLow, jitterHigh); d > limit {
			t.Errorf("%s: KS distance %.4f from U(0.05, 0.10), at most %.4f", name, d, limit)
		}
	}
	// Directions are fair coins: chi-square with one degree of freedom, 1 %.
	chi := math.Pow(float64(outward)-draws, 2) / (draws / 2)
	if chi > 6.63 {
		t.Errorf("%d of %d faces moved outward, chi-square %.2f", outward, 2*draws, chi)
	}
}

func TestSmallBoxesKeepAVoxel(t *testing.T) {
	rng := Key{}.Rand()
	for range 2000 {
		for _, side := range []int{1, 2, 3} {
			for _, n := range []int{side, side + 3} {
				at := rng.IntN(n - side + 1)
				for _, f := range []func() (int, int){
					func() (int, int) { return sloppy(at, at+side, n, rng) },
					func() (int, int) { return careful(at, at+side, n, rng) },
				} {
					if a, b := f(); a < 0 || b > n || b <= a {
						t.Fatalf("side %d at %d of %d became [%d, %d)", side, at, n, a, b)
					}
				}
			}
		}
	}
}

func TestPolygonsAreSimpleAndTight(t *testing.T) {
	for name, m := range shapes(t) {
		if m.NDim() == 3 {
			continue
		}
		var border mask.Mask
		border.Border8(m)
		for _, user := range []string{"polygon:largest:even?n=24", "polygon:largest:iid?n=24"} {
			for seed := range 100 {
				p, _, err := mustParse(t, user).Prompt(Of(m), Key{Seed: uint64(seed)}.Rand())
				if err != nil {
					t.Fatal(err)
				}
				var pts []mask.Point
				for _, c := range p.Points {
					at, _ := m.PointOf(c)
					if !border.At(at) {
						t.Fatalf("%s on %s: vertex %v is not on the border", user, name, c)
					}
					pts = append(pts, at)
				}
				if _, _, ok := crossing(pts); ok {
					t.Fatalf("%s on %s, seed %d: sides cross", user, name, seed)
				}
				if name == "blob" && user[16:20] == "even" {
					// Through pixel centers: half the outline is lost.
					want := float64(m.Count()) - float64(border.Count())/2
					if e := math.Abs(area(pts)-want) / want; e > 0.05 {
						t.Errorf("seed %d: area off by %.1f %%", seed, 100*e)
					}
				}
			}
		}
	}
}

func area(p []mask.Point) float64 {
	sum := 0
	for i, a := range p {
		b := p[(i+1)%len(p)]
		sum += a[1]*b[2] - a[2]*b[1]
	}
	return math.Abs(float64(sum)) / 2
}

func TestTakenPointsAreNotOfferedAgain(t *testing.T) {
	m := newMask(t, 6, 6)
	m.FillBox(mask.Box{Min: mask.Point{0, 1, 1}, Max: mask.Point{1, 4, 5}})
	for _, user := range []string{"click:largest:random", "click:edtmax:first"} {
		s := Of(m)
		for i := range m.Count() {
			p, ok, err := mustParse(t, user).Prompt(s, Key{Step: i}.Rand())
			if err != nil || !ok {
				t.Fatalf("%s: click %d: %v, %v", user, i, ok, err)
			}
			at, _ := m.PointOf(p.Points[0])
			if slices.Contains(s.Taken, at) {
				t.Fatalf("%s: %v twice", user, at)
			}
			s.Taken = append(s.Taken, at)
		}
		if _, ok, _ := mustParse(t, user).Prompt(s, Key{}.Rand()); ok {
			t.Errorf("%s: clicks although all is taken", user)
		}
	}
}
