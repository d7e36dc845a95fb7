package format

import (
	"bufio"
	"context"
	"io"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// maxText bounds a text header. Real ones have few kilobytes, and one line more
// for each slice of a list.
const maxText = 4 << 20

// textHead reads the lines of a text header and knows where it stands.
type textHead struct {
	blob blob.Blob
	src  *source
	br   *bufio.Reader
	at   int64 // first byte that was not read
}

func openText(ctx context.Context, raw convertcore.Raw, path string, buffer int) (*textHead, error) {
	b, err := raw.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	src := newSource(b, 0)
	return &textHead{blob: b, src: src, br: bufio.NewReaderSize(src, buffer)}, nil
}

func (t *textHead) Close() error { return t.blob.Close() }

// line returns the next line without its end; a file that is at its end is
// malformed.
func (t *textHead) line() (string, error) {
	line, err := t.next()
	if err == io.EOF {
		return "", malformed("header of %d bytes without its end", t.at)
	}
	return line, err
}

// next is line, but io.EOF at the end of the file.
func (t *textHead) next() (string, error) {
	var line []byte
	for {
		part, err := t.br.ReadSlice('\n')
		t.at += int64(len(part))
		if t.at > maxText {
			return "", malformed("header of more than %d bytes", maxText)
		}
		line = append(line, part...)
		switch {
		case err == nil || err == io.EOF && len(line) > 0:
			return strings.TrimRight(string(line), "\r\n"), nil
		case err == bufio.ErrBufferFull:
		case err == io.EOF:
			return "", err
		default:
			return "", t.src.fault(err)
		}
	}
}

// rest returns the lines up to the end of the file that are not blank, as
// lists of names have them.
func (t *textHead) rest() (lines []string, err error) {
	for {
		line, err := t.next()
		if err == io.EOF {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
}
