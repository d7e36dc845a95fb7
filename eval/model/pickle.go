package model

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// NumPy stores arrays of Python objects as pickles. This writes the few that
// the CVPR 2025 layout has: lists, dictionaries, strings and integers, as
// pickle protocol 2 (PEP 307), which every Python reads.

// pair is a key of a dictionary with its value.
type pair struct {
	key   string
	value any
}

// pickler writes opcodes.
type pickler struct{ bytes.Buffer }

// value writes v: int, string, []any or []pair (a dictionary).
func (p *pickler) value(v any) error {
	switch v := v.(type) {
	case int:
		p.WriteByte('J') // BININT, four bytes
		p.Write(binary.LittleEndian.AppendUint32(nil, uint32(int32(v))))
	case string:
		p.WriteByte('X') // BINUNICODE
		p.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(v))))
		p.WriteString(v)
	case []any:
		p.WriteString("](") // EMPTY_LIST MARK
		for _, e := range v {
			if err := p.value(e); err != nil {
				return err
			}
		}
		p.WriteByte('e') // APPENDS
	case []pair:
		p.WriteString("}(") // EMPTY_DICT MARK
		for _, e := range v {
			if err := p.value(e.key); err != nil {
				return err
			}
			if err := p.value(e.value); err != nil {
				return err
			}
		}
		p.WriteByte('u') // SETITEMS
	default:
		return fmt.Errorf("pickle of %T", v)
	}
	return nil
}

// writeObjects writes an NPY file of a one-dimensional array of objects, as
// numpy.save does: the header, then the pickled ndarray.
func writeObjects(w io.Writer, items []any) error {
	var p pickler
	p.WriteString("\x80\x02cnumpy.core.multiarray\n_reconstruct\n" + // PROTO 2, GLOBAL
		"cnumpy\nndarray\n" + "K\x00\x85" + "c_codecs\nencode\n") // (0,), and bytes as Python 3 puts them into protocol 2
	for _, s := range []string{"b", "latin1"} {
		if err := p.value(s); err != nil {
			return err
		}
	}
	p.WriteString("\x86R" + "\x87R(K\x01") // b'b'; _reconstruct(ndarray, (0,), b'b'); state: (1,
	if err := p.value(len(items)); err != nil {
		return err
	}
	p.WriteString("\x85cnumpy\ndtype\n") // (n,), dtype('O8')
	if err := p.value("O8"); err != nil {
		return err
	}
	p.WriteString("\x89\x88\x87R(K\x03") // (…, False, True) REDUCE; its state (3,
	if err := p.value("|"); err != nil {
		return err
	}
	p.WriteString("NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89") // None ×3, -1, -1, 63) BUILD; False
	if err := p.value(items); err != nil {
		return err
	}
	p.WriteString("tb.") // ) BUILD STOP
	text := fmt.Sprintf("{'descr': '|O', 'fortran_order': False, 'shape': (%d,), }", len(items))
	text += strings.Repeat(" ", (64-(10+len(text)+1)%64)%64) + "\n"
	head := append([]byte("\x93NUMPY\x01\x00"), byte(len(text)), byte(len(text)>>8))
	if _, err := w.Write(append(head, text...)); err != nil {
		return err
	}
	_, err := w.Write(p.Bytes())
	return err
}
