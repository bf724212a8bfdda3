package uploads_test

import (
	"net/http"
	"strconv"
	"testing"
)

const mib = 1 << 20

func TestP2_EveryReceivedUploadBecomesOneRecord(t *testing.T) {
	s := serve(t)
	for _, size := range []int{0, 1, 255 << 10, 256 << 10, 5*mib - 1, 5 * mib, 8*mib - 1, 8 * mib, 8*mib + 1, 21 * mib} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			s := s.on(t)
			b := content(size)
			u := s.create(int64(size), raw)
			var a answer
			if size == 0 {
				a = s.head(u)
				s.want(a, http.StatusOK)
			} else {
				a = s.patch(u, 0, b)
				s.want(a, http.StatusNoContent)
			}
			s.wantOffset(a, int64(size))
			s.wantRecord(a, b)
		})
	}
}

func TestP1_PiecesOfAnySizeAddUp(t *testing.T) {
	s := serve(t)
	for _, piece := range []int{100, 60 << 10, 300 << 10, 1 * mib, 3 * mib, 6 * mib} {
		t.Run(strconv.Itoa(piece), func(t *testing.T) {
			s := s.on(t)
			size := min(19*mib+17, 40*piece+17)
			b := content(size)
			for _, deferred := range []bool{false, true} {
				length := int64(size)
				if deferred {
					length = -1
				}
				u := s.create(length, raw)
				var a answer
				for at := 0; at < size; at += piece {
					end := min(at+piece, size)
					var more []string
					if deferred && end == size {
						more = []string{"Upload-Length", strconv.Itoa(size)}
					}
					a = s.patch(u, int64(at), b[at:end], more...)
					s.want(a, http.StatusNoContent)
					s.wantOffset(a, int64(end))
					h := s.head(u)
					s.want(h, http.StatusOK)
					s.wantOffset(h, int64(end))
				}
				s.wantRecord(a, b)
			}
		})
	}
}
