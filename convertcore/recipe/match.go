package recipe

import "strings"

const (
	maxPath = 4096 // longer paths match nothing: PATH_MAX
	// A match takes one step for each place that a wildcard's end is tried at.
	// Ordinary paths take fewer than ten; dead ends are remembered after
	// rememberAfter steps, which makes the work polynomial, and a name built to
	// be slow is given up as no match after maxSteps (some milliseconds).
	rememberAfter = 256
	maxSteps      = 1 << 18
)

// Match reports whether path matches, and puts the placeholders' texts into
// vals, in the order of Names. The texts share path's memory. len(vals) is at
// least len(Names()).
func (p *Pattern) Match(path string, vals []string) bool {
	if !strings.HasSuffix(path, p.suffix) || len(path) > maxPath {
		return false
	}
	m := matcher{toks: p.toks, path: path, vals: vals}
	return m.from(0, 0)
}

type matcher struct {
	toks  []token
	path  string
	vals  []string
	steps int
	dead  [][]uint64 // by token: bit i set where path[i:] cannot match from there
}

// from matches path[at:] with the tokens from ti on.
func (m *matcher) from(ti, at int) bool {
	for ; ti < len(m.toks); ti++ {
		t := &m.toks[ti]
		switch t.kind {
		case lit:
			if !strings.HasPrefix(m.path[at:], t.text) {
				return false
			}
			at += len(t.text)
		case set:
			if !strings.HasPrefix(m.path[at:], t.text) {
				return false
			}
			m.vals[t.v] = m.path[at : at+len(t.text)]
			at += len(t.text)
		case ref:
			if !strings.HasPrefix(m.path[at:], m.vals[t.v]) {
				return false
			}
			at += len(m.vals[t.v])
		default:
			return m.branch(ti, at)
		}
	}
	return at == len(m.path)
}

// branch tries the ways that token ti can go.
func (m *matcher) branch(ti, at int) bool {
	if m.isDead(ti, at) {
		return false
	}
	t := &m.toks[ti]
	ok := false
	switch t.kind {
	case alt:
		for _, a := range t.alts {
			if m.step() && strings.HasPrefix(m.path[at:], a) && m.from(ti+1, at+len(a)) {
				return true
			}
		}
	case folders:
		ok = m.enter(ti, at)
	default:
		ok = m.stretch(t, ti, at)
	}
	if !ok {
		m.bury(ti, at)
	}
	return ok
}

// enter tries the starts of elements for "**/", the deepest first.
func (m *matcher) enter(ti, at int) bool {
	for end := len(m.path); ; {
		slash := strings.LastIndexByte(m.path[at:end], '/')
		if m.step() && m.from(ti+1, at+slash+1) {
			return true
		}
		if slash < 0 || m.steps > maxSteps {
			return false
		}
		end = at + slash
	}
}

// stretch tries the ends of a star or placeholder, the farthest first.
func (m *matcher) stretch(t *token, ti, at int) bool {
	lo, hi := at, len(m.path)
	if t.kind == bind {
		lo++
	}
	if t.kind == star || t.kind == bind && !t.deep {
		if i := strings.IndexByte(m.path[at:], '/'); i >= 0 {
			hi = at + i
		}
	}
	if ti+1 == len(m.toks) { // takes the rest or nothing
		if hi < len(m.path) || lo > hi {
			return false
		}
		lo = hi
	}
	next := ""
	if ti+1 < len(m.toks) && m.toks[ti+1].kind == lit {
		next = m.toks[ti+1].text
	}
	for end := hi; end >= lo; end-- {
		if next != "" {
			// Only where the following text stands can the token end.
			i := strings.LastIndex(m.path[lo:min(end+len(next), len(m.path))], next)
			if i < 0 {
				return false
			}
			end = lo + i
		}
		if !m.step() {
			return false
		}
		if t.kind == bind {
			m.vals[t.v] = m.path[at:end]
			if t.kept {
				m.forget(ti + 1)
			}
		}
		if m.from(ti+1, end) {
			return true
		}
	}
	return false
}

// step counts, and starts to remember dead ends when it is worth the memory.
func (m *matcher) step() bool {
	m.steps++
	if m.steps == rememberAfter {
		m.dead = make([][]uint64, len(m.toks))
		for i := range m.dead {
			m.dead[i] = make([]uint64, len(m.path)/64+1)
		}
	}
	return m.steps <= maxSteps
}

func (m *matcher) isDead(ti, at int) bool {
	return m.dead != nil && m.dead[ti][at/64]>>(at%64)&1 != 0
}

func (m *matcher) bury(ti, at int) {
	if m.dead != nil {
		m.dead[ti][at/64] |= 1 << (at % 64)
	}
}

// forget drops what was found with another text of a placeholder that recurs.
func (m *matcher) forget(ti int) {
	if m.dead == nil {
		return
	}
	for _, d := range m.dead[ti:] {
		clear(d)
	}
}
