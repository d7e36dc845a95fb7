package recipe

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// maxID leaves room in a file name's 255 bytes for channel and extension.
const maxID = 180

// CaseID makes the text of {case} safe as a file name: slashes become "__",
// what some file system forbids becomes "_", and so does a leading dot. Texts
// longer than 180 bytes are cut and keep eight digits of their SHA-256. The
// usual text is returned as it is, without a copy.
func CaseID(text string) string {
	if isSafe(text) && len(text) <= maxID {
		return text
	}
	var b strings.Builder
	for i, c := range text {
		switch {
		case c == '/':
			b.WriteString("__")
		case i == 0 && c == '.', unsafeRune(c):
			b.WriteByte('_')
		default:
			b.WriteRune(c)
		}
	}
	id := b.String()
	if len(id) > maxID {
		sum := sha256.Sum256([]byte(text))
		cut := maxID - 9
		for !utf8.RuneStart(id[cut]) {
			cut--
		}
		id = id[:cut] + "~" + hex.EncodeToString(sum[:4])
	}
	if id == "" {
		return "_"
	}
	return id
}

// isSafe reports whether every byte may stand as it is.
func isSafe(text string) bool {
	for i := range len(text) {
		if c := text[i]; c >= utf8.RuneSelf || c == '/' || unsafeRune(rune(c)) || i == 0 && c == '.' {
			return false
		}
	}
	return text != ""
}

func unsafeRune(c rune) bool {
	return c < ' ' || c == 0x7f || c == utf8.RuneError || strings.ContainsRune(`\:*?"<>|`, c)
}
