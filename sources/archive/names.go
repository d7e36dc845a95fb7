package archive

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxName is Linux' PATH_MAX without its NUL: nothing longer can be opened.
const maxName = 4095

// cleanName makes a member's name a relative path, or returns "" and why it
// cannot be shown. Leading slashes go, as tar and unzip do it; ".." is refused.
func cleanName(raw string) (name, why string) {
	if !utf8.ValidString(raw) {
		raw = decodeCP437(raw)
	}
	if strings.ContainsRune(raw, 0) {
		return "", "left out: NUL in its name"
	}
	if !strings.HasPrefix(raw, "/") && !strings.HasPrefix(raw, "./") && !strings.Contains(raw, "//") &&
		!strings.Contains(raw, "/.") && !strings.HasPrefix(raw, "..") && raw != "" && raw != "." && raw[len(raw)-1] != '/' {
		return checkParts(raw) // nearly all names
	}
	var parts []string
	for p := range strings.SplitSeq(raw, "/") {
		switch p {
		case "", ".":
		case "..":
			return "", `left out: ".." in its name`
		default:
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return "", "left out: empty name"
	}
	if strings.HasPrefix(raw, "/") {
		why = "listed without its leading slash"
	}
	name, bad := checkParts(strings.Join(parts, "/"))
	if bad != "" {
		why = bad
	}
	return name, why
}

// checkParts refuses components that no Linux file system can hold.
func checkParts(name string) (string, string) {
	if len(name) > 255 {
		for p := range strings.SplitSeq(name, "/") {
			if len(p) > 255 {
				return "", "left out: a part of its name is longer than 255 bytes"
			}
		}
	}
	return name, ""
}

// cp437 is the upper half of the character set that the ZIP specification
// (APPNOTE, appendix D) gives to names that are not flagged as UTF-8.
var cp437 = []rune("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0")

func decodeCP437(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x80 {
			b.WriteByte(c)
		} else {
			b.WriteRune(cp437[c-0x80])
		}
	}
	return b.String()
}

// warnings keeps the first hundred lines and counts the rest.
type warnings struct {
	lines []string
	more  int
}

func (w *warnings) add(format string, args ...any) {
	if len(w.lines) < 100 {
		w.lines = append(w.lines, fmt.Sprintf(format, args...))
		return
	}
	w.more++
}

func (w *warnings) list() []string {
	out := append([]string(nil), w.lines...)
	if w.more > 0 {
		out = append(out, fmt.Sprintf("and %d more", w.more))
	}
	return out
}
