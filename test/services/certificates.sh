# TLS for the servers of this folder; sourced by the scripts that need it, after lib.sh.

# make_certificates: a CA of the service's own ($home/tls/ca.pem) and a server's certificate and key. The certificate is
# for `localhost` alone, so that verify-full to 127.0.0.1 fails where verify-ca does not.
make_certificates() {
  local tls=$home/tls
  # Tests have read it.
  [ ! -e "$tls/server.pem" ] || return 0
  mkdir -p "$tls"
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=tiangong test CA' \
    -keyout "$tls/ca.key" -out "$tls/ca.pem" 2>/dev/null
  openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$tls/server.key" -out "$tls/server.csr" 2>/dev/null
  openssl x509 -req -in "$tls/server.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial -days 3650 \
    -extfile <(echo subjectAltName=DNS:localhost) -out "$tls/server.pem" 2>/dev/null
}

# give_certificates FOLDER: puts server.pem and server.key where the user `server` of a root folder reads them.
give_certificates() {
  local file
  for file in server.pem server.key; do
    cp "$home/tls/$file" "$1/$file"
    chown 999:999 "$1/$file"
    chmod 600 "$1/$file"
  done
}
