"""A whole configuration file handed over: the directive in use is taken from it."""

from __future__ import annotations

import pytest
from parse_fixture import read

from incident.errors import DirectiveError
from incident.parse.directive import read_directive

HTTPD = r"""
ServerRoot "/etc/httpd"
Listen 80
LogFormat "%h %l %u %t \"%r\" %>s %b" common
LogFormat "%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \
\"%{User-Agent}i\" %D" timed
# CustomLog logs/old common
<VirtualHost *:80>
    ServerName www.example.com
    CustomLog "logs/access_log" timed env=!dontlog
</VirtualHost>
"""
NGINX = r"""
user www;
http {
    log_format main '$remote_addr [$time_local] "$request" '   # a comment; with a semicolon
                    '$status $body_bytes_sent $request_time';
    log_format unused '$remote_addr';
    access_log /var/log/nginx/access.log main buffer=32k flush=5s;
    server { listen 80; location /x { access_log off; } }
}
"""


def test_httpd_conf():
    page = read_directive(HTTPD)
    line = b'192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.1" 200 5 "-" "curl/8" 1500'
    (row,) = read(line, page).events.to_dicts()
    assert (row["duration_us"], row["user_agent"], page.bytes_kind) == (1500, "curl/8", "total_sent")


def test_nginx_conf():
    page = read_directive(NGINX)
    line = b'192.0.2.7 [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.1" 200 5 0.250'
    assert read(line, page).events["duration_us"].to_list() == [250_000]


def test_what_the_servers_know_without_being_told():
    line = b'192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.1" 200 5'
    assert read(line + b' "-" "curl/8"', read_directive("http {\n access_log /x.log;\n}\n")).events.height == 1
    assert read(line, read_directive("Listen 80\nTransferLog logs/x\n")).events.height == 1
    quoted = 'Listen 80\nCustomLog "|rotate x" "%h %l %u %t \\"%r\\" %>s %b"\n'
    assert read(line, read_directive(quoted)).events.height == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HTTPD + "CustomLog logs/other common\n", "2 access logs in different formats"),
        (HTTPD.replace("timed env", "missing env"), "no LogFormat defines"),
        (NGINX.replace("log main", "log other"), "no log_format defines"),
        ("server {\n listen 80;\n}\nserver {\n access_log off;\n}\n", "writes no access log"),
    ],
)
def test_what_cannot_be_told(text, said):
    with pytest.raises(DirectiveError, match=said):
        read_directive(text)
