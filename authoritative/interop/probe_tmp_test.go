package interop_test
import ("testing";"time";"os")
func TestTmp(t *testing.T) {
	w := startWorld(t, os.Getenv("STEPS"), "", time.Now())
	t.Log(w.run("sh", "-c", os.Getenv("SH")))
}
