# Programs that know nothing of all this, inside the world: their resolv.conf is a client's, port 53 is port 53.
#
#     faultzone exec ../broken.toml --as db-01 -- bats inside.bats

api=api.solvethenetwork.com

@test "getaddrinfo goes on to the second server" {
	run getent ahostsv4 "$api"
	[ "$status" -eq 0 ]
	[[ "$output" = 10.0.2.50* ]]
}

@test "the search list" {
	run getent ahostsv4 api
	[ "$status" -eq 0 ]
	[[ "$output" = 10.0.2.50* ]]
}

@test "no such name" {
	run getent hosts nowhere.solvethenetwork.com
	[ "$status" -eq 2 ]
}

@test "HTTP by name and by address" {
	[ "$(curl -sS --max-time 10 "http://$api/healthz")" = ok ]
	[ "$(curl -sS --max-time 10 http://10.0.2.50/healthz)" = ok ]
}

@test "the first server fails" {
	source "$BATS_TEST_DIRNAME/lookup.sh"
	run lookup "$api" 10.0.1.10:53
	[ "$status" -eq 2 ]
}
