def test_one_request_shares_one_id_over_three_logs(played, proxy_rows):
    trace = played("session-forged")
    for row, front, back in zip(
        proxy_rows(trace), trace.rows["iis-front"], trace.rows["iis-back"], strict=True
    ):
        assert f"cafeReqId={row['RequestId']};" in front.text
        assert f"cafeReqId={row['RequestId']};" in back.text
        assert " 443 - 203.0.113.9 " in front.text
        assert " 444 CONTOSO\\EX01$ " in back.text


def test_forged_cookie_in_its_three_forms(played, proxy_rows):
    aim = "a]@ex01.contoso.local:444/EWS/Exchange.asmx?a="
    row = proxy_rows(played("ews-access", cookie="resource"))[0]
    assert (row["AnchorMailbox"], row["RoutingHint"]) == (
        f"ServerInfo~{aim}",
        "X-BEResource-Cookie",
    )
    assert (row["UrlStem"], row["Method"], row["IsAuthenticated"]) == ("/ecp/y.js", "POST", "false")
    row = proxy_rows(played("ews-access", cookie="anonymous"), "Owa")[0]
    assert row["RoutingHint"] == "X-AnonResource-Backend-Cookie"
    row = proxy_rows(played("ews-access", cookie="backend"))[0]
    assert row["BackEndCookie"].startswith(f"Server~{aim}~1941962753~2021-03-01T10:")
    assert row["AnchorMailbox"] == ""
