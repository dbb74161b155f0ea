# A client that asks one DNS server after another: lookup NAME ADDRESS:PORT… prints the first one's addresses that answers.
# It returns 1 when there is no such name, which is an answer, and 2 when no server gave any.
lookup() {
	local name=$1 server reply
	shift
	for server in "$@"; do
		reply=$(dig "@${server%:*}" -p "${server##*:}" +time=1 +tries=1 "$name" A) || continue
		case $reply in
		*"status: NXDOMAIN"*) return 1 ;;
		*"status: NOERROR"*)
			awk '$3 == "IN" && $4 == "A" { print $5 }' <<<"$reply"
			return 0
			;;
		esac
	done
	return 2
}
