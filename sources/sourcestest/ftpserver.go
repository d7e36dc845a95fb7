package sourcestest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/sources"
)

func init() { RegisterFixture("ftp", Fixture{Remote: true, Unmeasured: true, Play: playFTP}) }

func playFTP(t testing.TB, files map[string][]byte) Record {
	store := Serve(t, files)
	addr := serveFTP(t, files, store)
	return Record{Name: "ftp://ftp.example.org/pub/", Server: store,
		Mirrors: []sources.Mirror{{Prefix: "ftp://ftp.example.org/pub/", Target: "ftp://" + addr + "/"}}}
}

// serveFTP speaks FTP for the files of a Server, whose faults become those of
// an FTP server.
func serveFTP(t testing.TB, files map[string][]byte, store *Server) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	f := &ftpServer{ctx: ctx, files: files, store: store.URL, conns: map[net.Conn]bool{}}
	f.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.track(c, true)
			f.wg.Go(func() {
				defer f.track(c, false)
				(&ftpSession{f: f, c: c}).serve()
			})
		}
	})
	t.Cleanup(func() {
		stop()
		l.Close()
		f.mu.Lock()
		for c := range f.conns {
			c.Close()
		}
		f.mu.Unlock()
		f.wg.Wait()
	})
	return l.Addr().String()
}

type ftpServer struct {
	ctx   context.Context // of the server's life
	files map[string][]byte
	store string
	wg    sync.WaitGroup
	mu    sync.Mutex
	conns map[net.Conn]bool
}

func (f *ftpServer) track(c net.Conn, open bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if open {
		f.conns[c] = true
		return
	}
	delete(f.conns, c)
	c.Close()
}

type ftpSession struct {
	f    *ftpServer
	c    net.Conn
	data net.Listener
	rest int64
	user bool
}

func (s *ftpSession) say(code int, text string) { fmt.Fprintf(s.c, "%d %s\r\n", code, text) }

func (s *ftpSession) serve() {
	s.say(220, "ready")
	lines := bufio.NewScanner(s.c)
	for lines.Scan() {
		verb, arg, _ := strings.Cut(lines.Text(), " ")
		arg = strings.TrimPrefix(path.Clean("/"+arg), "/")
		switch verb = strings.ToUpper(verb); verb {
		case "USER":
			s.say(331, "password, please")
		case "PASS":
			s.user = true
			s.say(230, "logged in")
		case "QUIT":
			return
		case "FEAT":
			io.WriteString(s.c, "211-Features\r\n MDTM\r\n MLST type*;size*;\r\n REST STREAM\r\n SIZE\r\n UTF8\r\n211 End\r\n")
		case "NOOP", "TYPE", "OPTS":
			s.say(200, "fine")
		default:
			if !s.user {
				s.say(530, "log in first")
				return
			}
			s.command(verb, arg)
		}
	}
}

func (s *ftpSession) command(verb, arg string) {
	data, ok := s.f.files[arg]
	switch verb {
	case "EPSV":
		if s.data != nil {
			s.data.Close()
		}
		var err error
		if s.data, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			s.say(425, "no port")
			return
		}
		_, port, _ := net.SplitHostPort(s.data.Addr().String())
		s.say(229, "passive (|||"+port+"|)")
	case "SIZE", "MDTM":
		switch {
		case !ok:
			s.say(550, "no such file")
		case verb == "SIZE":
			s.say(213, strconv.Itoa(len(data)))
		default:
			s.say(213, modified.Format("20060102150405"))
		}
	case "REST":
		s.rest, _ = strconv.ParseInt(arg, 10, 64)
		s.say(350, "from there")
	case "MLSD":
		s.transfer(func(w io.Writer) error { return s.list(w, arg) })
	case "RETR":
		s.retrieve(arg)
	default:
		s.say(502, "not here")
	}
}

func (s *ftpSession) list(w io.Writer, dir string) error {
	var lines []string
	for name, data := range s.f.files {
		if dir != "" {
			rest, ok := strings.CutPrefix(name, dir+"/")
			if !ok {
				continue
			}
			name = rest
		}
		if folder, _, ok := strings.Cut(name, "/"); ok {
			lines = append(lines, "type=dir; "+folder)
		} else {
			lines = append(lines, fmt.Sprintf("type=file;size=%d; %s", len(data), name))
		}
	}
	slices.Sort(lines)
	_, err := io.WriteString(w, "type=cdir; .\r\n"+strings.Join(slices.Compact(lines), "\r\n")+"\r\n")
	return err
}

// retrieve asks the Server for the rest of the file and says of its answer what
// an FTP server would.
func (s *ftpSession) retrieve(name string) {
	from := s.rest
	s.rest = 0
	req, _ := http.NewRequestWithContext(s.f.ctx, http.MethodGet, s.f.store+(&url.URL{Path: "/" + name}).String(), nil)
	if from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.say(451, "broken")
		return
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case 200:
		if from > 0 {
			s.say(501, "no REST here")
			return
		}
	case 206:
	case 404:
		s.say(550, "no such file")
		return
	case 403:
		s.say(530, "not for you")
		return
	case 429:
		s.say(421, "too many connections")
		s.c.Close()
		return
	default:
		s.say(451, "broken")
		return
	}
	s.transfer(func(w io.Writer) error {
		_, err := io.Copy(w, resp.Body)
		return err
	})
}

func (s *ftpSession) transfer(send func(io.Writer) error) {
	if s.data == nil {
		s.say(425, "no EPSV")
		return
	}
	s.data.(*net.TCPListener).SetDeadline(time.Now().Add(5 * time.Second))
	c, err := s.data.Accept()
	s.data.Close()
	s.data = nil
	if err != nil {
		s.say(425, "nobody came")
		return
	}
	s.f.track(c, true)
	s.say(150, "here it comes")
	err = send(c)
	s.f.track(c, false)
	if err != nil {
		s.say(426, "cut off")
		return
	}
	s.say(226, "done")
}
