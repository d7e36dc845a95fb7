package format

import (
	"encoding/binary"
	"math"
	"strings"
)

// A pickle is a program for a stack machine (Python's Lib/pickletools.py
// describes its opcodes). unpickle takes those that put data together; what the
// program would call is looked up by nobody and called by nobody: it becomes a
// pickledCall, and only the names that NumPy's arrays need are let through.

// pickledCall is a call that the pickle asks for, and the state that the object
// would be given.
type pickledCall struct {
	name  string // "module name"
	args  []any
	state any
}

type pickledName string

// pickledDict is a dict; keys that are no texts are left out.
type pickledDict map[string]any

// pickledList is a list or, in a slice of its own, a tuple.
type pickledList struct{ items []any }

// pickledNames are the names that arrays are made of, under both of NumPy's
// own module names.
var pickledNames = map[string]bool{
	"numpy ndarray": true, "numpy dtype": true, "_codecs encode": true,
	"numpy.core.multiarray _reconstruct": true, "numpy._core.multiarray _reconstruct": true,
	"numpy.core.multiarray scalar": true, "numpy._core.multiarray scalar": true,
}

// maxPickleOps bounds the work and the memory: an operation adds at most one
// value, and none is longer than the pickle.
const maxPickleOps = 1 << 16

type unpickler struct {
	data  []byte
	stack []any
	marks []int
	memo  map[uint32]any
}

// unpickle returns the object that a pickle of protocol 2 to 4 describes: nil,
// bool, int64, float64, string, []byte, []any for tuples, *pickledList,
// pickledDict, pickledName or *pickledCall.
func unpickle(data []byte) (any, error) {
	u := &unpickler{data: data, memo: map[uint32]any{}}
	for range maxPickleOps {
		op, err := u.take(1)
		if err != nil {
			return nil, err
		}
		if op[0] == '.' {
			return u.pop()
		}
		if err := u.step(op[0]); err != nil {
			return nil, err
		}
	}
	return nil, unsupported("a pickle of more than %d operations", maxPickleOps)
}

func (u *unpickler) take(n uint64) ([]byte, error) {
	if n > uint64(len(u.data)) {
		return nil, malformed("a pickle that ends early")
	}
	b := u.data[:n:n]
	u.data = u.data[n:]
	return b, nil
}

// number reads an unsigned integer of n bytes.
func (u *unpickler) number(n uint64) (v uint64, err error) {
	b, err := u.take(n)
	for i, x := range b {
		v |= uint64(x) << (8 * i)
	}
	return v, err
}

// counted reads bytes behind a length of n bytes.
func (u *unpickler) counted(n uint64) ([]byte, error) {
	size, err := u.number(n)
	if err != nil {
		return nil, err
	}
	return u.take(size)
}

func (u *unpickler) line() (string, error) {
	for i, c := range u.data {
		if c == '\n' {
			b, err := u.take(uint64(i + 1))
			return string(b[:i]), err
		}
	}
	return "", malformed("a pickle that ends early")
}

func (u *unpickler) push(v any) error { u.stack = append(u.stack, v); return nil }

func (u *unpickler) pop() (any, error) {
	least := 0
	if len(u.marks) > 0 {
		least = u.marks[len(u.marks)-1]
	}
	if len(u.stack) <= least {
		return nil, malformed("a pickle that takes from an empty stack")
	}
	v := u.stack[len(u.stack)-1]
	u.stack = u.stack[:len(u.stack)-1]
	return v, nil
}

// several pops n values, in the order in which they were pushed.
func (u *unpickler) several(n int) ([]any, error) {
	out := make([]any, n)
	for i := n - 1; i >= 0; i-- {
		v, err := u.pop()
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// marked pops what was pushed since the last mark.
func (u *unpickler) marked() ([]any, error) {
	if len(u.marks) == 0 {
		return nil, malformed("a pickle without a mark")
	}
	at := u.marks[len(u.marks)-1]
	u.marks = u.marks[:len(u.marks)-1]
	out := append([]any(nil), u.stack[at:]...)
	u.stack = u.stack[:at]
	return out, nil
}

// step does one operation.
func (u *unpickler) step(op byte) error {
	switch op {
	case 0x80, 0x95: // protocol, frame
		_, err := u.take(map[byte]uint64{0x80: 1, 0x95: 8}[op])
		return err
	case '(':
		u.marks = append(u.marks, len(u.stack))
		return nil
	case 'N':
		return u.push(nil)
	case 0x88, 0x89:
		return u.push(op == 0x88)
	case 'K', 'M', 'J', 0x8a, 'G':
		return u.numeric(op)
	case 'X', 0x8c, 0x8d, 'T', 'U', 'B', 'C', 0x8e:
		return u.text(op)
	case '}':
		return u.push(pickledDict{})
	case ']':
		return u.push(&pickledList{})
	case ')', 0x85, 0x86, 0x87, 't':
		return u.tuple(op)
	case 'a', 'e', 's', 'u':
		return u.fill(op)
	case 'q', 'r', 0x94, 'h', 'j':
		return u.remember(op)
	case 'c', 0x93, 'R', 'b':
		return u.call(op)
	}
	return unsupported("operation %#x of a pickle", op)
}

func (u *unpickler) numeric(op byte) error {
	switch op {
	case 'G':
		b, err := u.take(8)
		if err != nil {
			return err
		}
		return u.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
	case 0x8a:
		b, err := u.counted(1)
		if err != nil || len(b) > 8 {
			return malformed("an integer of %d bytes in a pickle", len(b))
		}
		v := int64(0)
		for i := len(b) - 1; i >= 0; i-- {
			if v = v<<8 | int64(b[i]); i == len(b)-1 {
				v = int64(int8(b[i]))
			}
		}
		return u.push(v)
	}
	v, err := u.number(map[byte]uint64{'K': 1, 'M': 2, 'J': 4}[op])
	if err != nil {
		return err
	}
	if op == 'J' {
		return u.push(int64(int32(v)))
	}
	return u.push(int64(v))
}

// text pushes a string or, of 'B', 'C' and 0x8e, bytes.
func (u *unpickler) text(op byte) error {
	b, err := u.counted(map[byte]uint64{'X': 4, 0x8c: 1, 0x8d: 8, 'T': 4, 'U': 1, 'B': 4, 'C': 1, 0x8e: 8}[op])
	if err != nil {
		return err
	}
	if op == 'B' || op == 'C' || op == 0x8e {
		return u.push(b)
	}
	return u.push(string(b))
}

func (u *unpickler) tuple(op byte) error {
	var items []any
	var err error
	if op == 't' {
		items, err = u.marked()
	} else {
		items, err = u.several(map[byte]int{')': 0, 0x85: 1, 0x86: 2, 0x87: 3}[op])
	}
	if err != nil {
		return err
	}
	return u.push(items)
}

// fill adds items to the list or dict below them.
func (u *unpickler) fill(op byte) error {
	var items []any
	var err error
	switch op {
	case 'a':
		items, err = u.several(1)
	case 's':
		items, err = u.several(2)
	default:
		items, err = u.marked()
	}
	if err != nil {
		return err
	}
	to, err := u.pop()
	if err != nil {
		return err
	}
	switch to := to.(type) {
	case *pickledList:
		if op == 'a' || op == 'e' {
			to.items = append(to.items, items...)
			return u.push(to)
		}
	case pickledDict:
		if (op == 's' || op == 'u') && len(items)%2 == 0 {
			for i := 0; i < len(items); i += 2 {
				if key, ok := items[i].(string); ok {
					to[key] = items[i+1]
				}
			}
			return u.push(to)
		}
	}
	return malformed("a pickle that fills what is neither list nor dict")
}

// remember puts the top of the stack into the memo, or a value of it on top.
func (u *unpickler) remember(op byte) error {
	at := uint64(len(u.memo))
	var err error
	if op != 0x94 {
		if at, err = u.number(map[byte]uint64{'q': 1, 'h': 1, 'r': 4, 'j': 4}[op]); err != nil {
			return err
		}
	}
	if op == 'h' || op == 'j' {
		v, ok := u.memo[uint32(at)]
		if !ok {
			return malformed("a pickle that recalls what it did not keep")
		}
		return u.push(v)
	}
	v, err := u.pop()
	if err != nil {
		return err
	}
	u.memo[uint32(at)] = v
	return u.push(v)
}

// call keeps names, calls and states; nothing is called.
func (u *unpickler) call(op byte) error {
	if op == 'c' {
		module, err := u.line()
		if err != nil {
			return err
		}
		name, err := u.line()
		if err != nil {
			return err
		}
		return u.name(module, name)
	}
	pair, err := u.several(2)
	if err != nil {
		return err
	}
	switch op {
	case 0x93:
		module, ok := pair[0].(string)
		name, named := pair[1].(string)
		if !ok || !named {
			return malformed("a name in a pickle that is no text")
		}
		return u.name(module, name)
	case 'R':
		name, ok := pair[0].(pickledName)
		args, listed := pair[1].([]any)
		if !ok || !listed {
			return malformed("a call in a pickle without name or arguments")
		}
		if text, ok := encoded(name, args); ok {
			return u.push(text)
		}
		return u.push(&pickledCall{name: string(name), args: args})
	}
	c, ok := pair[0].(*pickledCall)
	if !ok {
		return malformed("a state in a pickle of no object")
	}
	c.state = pair[1]
	return u.push(c)
}

func (u *unpickler) name(module, name string) error {
	full := module + " " + name
	if !pickledNames[full] {
		return unsupported("a pickle that names %.80q", strings.ReplaceAll(full, " ", "."))
	}
	return u.push(pickledName(full))
}

// encoded is what Python 2's bytes are under protocol 2: a text to encode.
func encoded(name pickledName, args []any) ([]byte, bool) {
	if name != "_codecs encode" || len(args) != 2 || args[1] != "latin1" {
		return nil, false
	}
	text, ok := args[0].(string)
	if !ok {
		return nil, false
	}
	out := make([]byte, 0, len(text))
	for _, c := range text {
		if c > 0xff {
			return nil, false
		}
		out = append(out, byte(c))
	}
	return out, true
}
