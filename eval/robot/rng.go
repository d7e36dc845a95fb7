package robot

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// Key names one draw of a run. Equal keys give equal streams whatever was drawn
// before, elsewhere or by whom.
type Key struct {
	Seed                       uint64
	Dataset, Case, Class, User string
	Trial, Step                int
}

// Rand returns the stream of the key.
func (k Key) Rand() *rand.Rand { return rand.New(k.source()) }

func (k Key) source() *philox {
	buf := make([]byte, 0, 96)
	buf = binary.LittleEndian.AppendUint64(buf, k.Seed)
	for _, s := range []string{k.Dataset, k.Case, k.Class, k.User} {
		buf = binary.LittleEndian.AppendUint32(buf, uint32(len(s)))
		buf = append(buf, s...)
	}
	buf = binary.LittleEndian.AppendUint64(buf, uint64(k.Trial))
	buf = binary.LittleEndian.AppendUint64(buf, uint64(k.Step))
	sum := sha256.Sum256(buf)
	return newPhilox(binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:]))
}

// philox is Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011), counting from 1 as NumPy's does: the n-th value is a
// function of key and n alone.
type philox struct {
	key  [2]uint64
	ctr  uint64
	out  [4]uint64
	used int
}

func newPhilox(k0, k1 uint64) *philox { return &philox{key: [2]uint64{k0, k1}, used: 4} }

// Uint64 implements rand.Source.
func (p *philox) Uint64() uint64 {
	if p.used == 4 {
		p.ctr++
		p.out = philoxBlock([4]uint64{p.ctr}, p.key)
		p.used = 0
	}
	v := p.out[p.used]
	p.used++
	return v
}

// Multipliers and Weyl increments of Philox4x64, table 2 of the paper.
const (
	philoxM0 = 0xD2E7470EE14C6C93
	philoxM1 = 0xCA5A826395121157
	philoxW0 = 0x9E3779B97F4A7C15
	philoxW1 = 0xBB67AE8584CAA73B
)

func philoxBlock(c [4]uint64, k [2]uint64) [4]uint64 {
	for range 10 {
		hi0, lo0 := bits.Mul64(philoxM0, c[0])
		hi1, lo1 := bits.Mul64(philoxM1, c[2])
		c = [4]uint64{hi1 ^ c[1] ^ k[0], lo1, hi0 ^ c[3] ^ k[1], lo0}
		k[0] += philoxW0
		k[1] += philoxW1
	}
	return c
}
