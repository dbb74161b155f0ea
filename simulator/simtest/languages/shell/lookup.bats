# The client against a world on ports of this machine: faultzone run --addr-file.
#
#     FAULTZONE=./faultzone bats lookup.bats

setup_file() {
	"${FAULTZONE:-faultzone}" run "$BATS_TEST_DIRNAME/../broken.toml" --addr-file "$BATS_FILE_TMPDIR/addresses" >/dev/null 3>&- 4>&- &
	echo $! >"$BATS_FILE_TMPDIR/pid"
	for _ in $(seq 200); do # the file is there once every node answers
		[ -s "$BATS_FILE_TMPDIR/addresses" ] && return
		sleep 0.05
	done
	return 1
}

teardown_file() {
	local pid
	pid=$(cat "$BATS_FILE_TMPDIR/pid")
	kill -TERM "$pid"
	for _ in $(seq 200); do
		kill -0 "$pid" 2>/dev/null || return 0
		sleep 0.05
	done
	return 1
}

setup() {
	source "$BATS_TEST_DIRNAME/lookup.sh"
	source "$BATS_FILE_TMPDIR/addresses"
	api=api.solvethenetwork.com
}

@test "an answer" {
	run lookup "$api" "$FAULTZONE_RESOLVER_B"
	[ "$status" -eq 0 ]
	[ "$output" = 10.0.2.50 ]
}

@test "no such name" {
	run lookup nowhere.solvethenetwork.com "$FAULTZONE_RESOLVER_B"
	[ "$status" -eq 1 ]
}

@test "SERVFAIL goes on to the next" {
	run lookup "$api" "$FAULTZONE_RESOLVER_A" "$FAULTZONE_RESOLVER_B"
	[ "$status" -eq 0 ]
	[ "$output" = 10.0.2.50 ]
}

@test "all fail" {
	run lookup "$api" "$FAULTZONE_RESOLVER_A" "$FAULTZONE_RESOLVER_BRANCH"
	[ "$status" -eq 2 ]
}
