package cache

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// HeldError says that another process has the cache folder open. A process
// that was killed holds nothing: the lock is the kernel's.
type HeldError struct {
	Dir     string
	PID     int    // 0 when the holder has not written it yet
	Command string // its command line
	Mount   string // where it is mounted; "" when it is not
	Since   time.Time
}

func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("cache folder %s is in use by another process", e.Dir)
	}
	s := fmt.Sprintf("cache folder %s is in use by process %d (%s) since %s", e.Dir, e.PID, e.Command, e.Since.Format(time.DateTime))
	if e.Mount != "" {
		s += ", mounted on " + e.Mount
	}
	return s + "; stop it, or choose another cache folder"
}

// holder is the text of the LOCK file.
type holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	Mount   string    `json:"mount,omitempty"`
	Since   time.Time `json:"since"`
}

// lock takes the folder, or says who has it.
func lock(dir, mount string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "LOCK"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		defer f.Close()
		return nil, held(dir, f)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	text, _ := json.Marshal(holder{os.Getpid(), strings.Join(os.Args, " "), mount, time.Now().Round(time.Second)}) // plain fields only
	if err = f.Truncate(0); err == nil {
		_, err = f.WriteAt(append(text, '\n'), 0)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func held(dir string, f *os.File) error {
	var h holder
	text, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err == nil {
		err = json.Unmarshal(text, &h)
	}
	if err != nil {
		h = holder{} // it has the lock but not yet written its name
	}
	return &HeldError{dir, h.PID, h.Command, h.Mount, h.Since}
}

// format is the version of the folder's layout, of its records and chunks.
const format = 1

// checkFormat reads the folder's version and writes it into a new folder. A
// folder of another version is left alone: it may be a newer program's.
func checkFormat(dir string) error {
	path := filepath.Join(dir, "FORMAT")
	text, err := os.ReadFile(path)
	if err == nil {
		if got := strings.TrimSpace(string(text)); got != strconv.Itoa(format) {
			return fmt.Errorf("cache folder %s has format %q, this program knows %d: remove the folder, or use another", dir, got, format)
		}
		return nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	names, err := filepath.Glob(filepath.Join(dir, "gen-*"))
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return fmt.Errorf("cache folder %s has payloads but no FORMAT file: remove the folder, or use another", dir)
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, fmt.Appendln(nil, format), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
