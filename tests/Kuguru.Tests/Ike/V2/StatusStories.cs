using Kuguru.Ike;
using Kuguru.Pki;
using Kuguru.Tests.Pki;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>OCSP responses inside IKE (RFC 4806): asked for by CERTREQ, sent in CERT.</summary>
public class StatusStories
{
    const string Uri = "http://ocsp.example.org/";

    static readonly Authority Root = Authority.Root();
    static readonly Issued Moon = Root.Issue("moon.example.org", new Wish { Extensions = Authority.Uris(null, Uri) }), Sun = Root.Issue("sun.example.org", new Wish { Extensions = Authority.Uris(null, Uri) });
    static readonly DateTimeOffset Now = World.Clock.At(new Instant(1_000_000_000)), Later = Now.AddDays(7);

    /// <summary>Both want to know all about the other's certificate; who asks for it in IKE is a question of policy.</summary>
    static Pair Pair(OcspPolicy moon, OcspPolicy sun, bool strictSun = true)
    {
        static Connection With(Connection c, OcspPolicy policy, bool isStrict) => c with { Ocsp = policy, Remote = [c.Remote[0] with { Revocation = isStrict ? RevocationPolicy.Strict : RevocationPolicy.Relaxed }] };
        var pair = CertificateStories.Pair(Moon, Sun, c => With(c, moon, true), c => With(c, sun, strictSun), Root);
        if (!strictSun)
            pair.Sun.Certificates.Revocation.Answer(new FetchRequest(Uri, OcspAnswer.Ask(Moon.Certificate, Root.Certificate)), null, "out of order", Now);
        return pair;
    }

    static string Asked(Pair pair) => string.Join(' ', pair.World.Transcript.Split('\n').Where(line => line.Contains("IKE_AUTH", StringComparison.Ordinal)).Select(line => $"{line.Split("CERT,").Length - 1}"));

    /// <summary>ocsp-rfc4806-signer: the gateway asks for the status of its own certificate, and the client has nobody to ask.</summary>
    [Fact]
    public void A_responder_sends_the_status_of_its_certificate_to_who_asks_for_it()
    {
        var pair = Pair(OcspPolicy.Request, OcspPolicy.Reply, strictSun: false);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Equal(new FetchRequest(Uri, OcspAnswer.Ask(Sun.Certificate, Root.Certificate)), Assert.Single(pair.Sun.Fetching).Request);
        pair.Sun.Deliver(Root.Ocsp(Sun, true, Now, Later));
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Empty(pair.Moon.Fetching);
        Assert.Equal("1 2", Asked(pair));
    }

    /// <summary>ocsp-rfc4806-both: each asks for its own.</summary>
    [Fact]
    public void Both_send_the_status_of_their_certificates()
    {
        var pair = Pair(OcspPolicy.Both, OcspPolicy.Both);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        // The initiator sends nothing before it has an answer.
        Assert.Equal("", Asked(pair));
        pair.Moon.Deliver(Root.Ocsp(Moon, true, Now, Later));
        pair.World.Run(1);
        pair.Sun.Deliver(Root.Ocsp(Sun, true, Now, Later));
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal((0, 0, "2 2"), (pair.Moon.Fetching.Count, pair.Sun.Fetching.Count, Asked(pair)));
    }

    [Fact]
    public void A_status_that_says_revoked_is_heeded()
    {
        var pair = Pair(OcspPolicy.Request, OcspPolicy.Reply, strictSun: false);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        pair.Sun.Deliver(Root.Ocsp(Sun, false, Now, Later));
        pair.World.Run(1);
        Assert.Contains("certificate 'C=CH, O=Kuguru, CN=sun.example.org' is revoked: OCSP response that the peer has sent: since 2025-06-01 00:00:00Z", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
    }

    /// <summary>ocsp-rfc4806-local: a responder that has signed itself is named in CERTREQ, and counts where it is known.</summary>
    [Fact]
    public void A_responder_that_is_trusted_here_is_named()
    {
        var signer = Authority.Root("Local OCSP").Own;
        var pair = Pair(OcspPolicy.Request, OcspPolicy.Reply, strictSun: false);
        Blob? named = null;
        pair.World.Changes = (from, to, bytes) => from == pair.Moon ? Resealing.WithPayloads(from, to, bytes, payloads =>
        {
            named ??= payloads.OfType<Payload.CertReq>().FirstOrDefault(request => request.Encoding == CertEncoding.OcspContent)?.Authorities;
            return payloads;
        }) : bytes;
        pair.Moon.Certificates.AddOcspSigner(signer.Certificate);
        pair.Moon.Certificates.AddOcspSigner(Root.Issue("deputy.example.org").Certificate);
        pair.Sun.Certificates.AddOcspSigner(signer.Certificate);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        pair.Sun.Deliver(Root.Ocsp(Sun, true, Now, Later, signer));
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal(signer.Certificate.Key.Fingerprint, named);
    }

    /// <summary>What was not asked for may be old: it is not heeded, and nobody who is not asked says anything.</summary>
    [Theory]
    [InlineData(OcspPolicy.Reply, OcspPolicy.Reply)]
    [InlineData(OcspPolicy.Never, OcspPolicy.Both)]
    [InlineData(OcspPolicy.Request, OcspPolicy.Never)]
    [InlineData(OcspPolicy.Request, OcspPolicy.Request)]
    public void Who_does_not_ask_or_is_not_answered_finds_out_for_itself(OcspPolicy moon, OcspPolicy sun)
    {
        var pair = Pair(moon, sun, strictSun: false);
        pair.Moon.Up(pair.Sun);
        if (sun is OcspPolicy.Request)
        {
            // It asks as well, and moon does not answer.
            pair.World.Run(0.2);
            Assert.DoesNotContain(pair.Moon.Fetching, fetch => fetch.Request.Body == OcspAnswer.Ask(Moon.Certificate, Root.Certificate));
        }
        pair.World.Run(1);
        Assert.Empty(pair.Sun.Fetching);
        Assert.False(pair.Moon.IsDone(1));
        pair.Moon.Deliver(Root.Ocsp(Sun, true, Now, Later));
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal("1 1", Asked(pair));
    }

    [Fact]
    public void A_responder_that_cannot_find_out_proves_itself_without_and_what_is_none_says_nothing()
    {
        foreach (var answer in (byte[]?[])[null, [1, 2, 3], Root.Ocsp(Sun, true, Now, Later, Root.Issue("mallory.example.org")), Root.Ocsp(Sun, true, Now.AddDays(-9), Now.AddDays(-8))])
        {
            var pair = Pair(OcspPolicy.Request, OcspPolicy.Reply, strictSun: false);
            pair.Moon.Up(pair.Sun);
            pair.World.Run(1);
            pair.Sun.Deliver(answer);
            pair.World.Run(1);
            Assert.Equal("1 1", Asked(pair));
            Assert.Single(pair.Moon.Fetching);
        }
        // Nor does it wait for longer than a peer has patience.
        var silent = Pair(OcspPolicy.Request, OcspPolicy.Reply, strictSun: false);
        silent.Moon.Up(silent.Sun);
        silent.World.Run(11);
        Assert.Equal("1", Asked(silent).Split(' ')[^1]);
        Assert.Single(silent.Moon.Fetching);
    }

    /// <summary>A peer that sends what it has found somewhere.</summary>
    [Fact]
    public void A_status_by_nobody_in_particular_is_not_believed()
    {
        foreach (var bad in (byte[][])[[1, 2, 3], Root.Ocsp(Sun, true, Now, Later, Root.Issue("mallory.example.org")), Root.Ocsp(Moon, true, Now, Later), Root.Ocsp(Sun, true, Now.AddDays(-9), Now.AddDays(-8))])
        {
            var pair = Pair(OcspPolicy.Request, OcspPolicy.Reply, strictSun: false);
            pair.World.Changes = (from, to, bytes) => from == pair.Sun ? Resealing.WithPayloads(from, to, bytes, payloads => payloads.Select(payload =>
                payload is Payload.Cert { Encoding: CertEncoding.OcspContent } ? new Payload.Cert(CertEncoding.OcspContent, bad) : payload).ToSequence()) : bytes;
            pair.Moon.Up(pair.Sun);
            pair.World.Run(1);
            pair.Sun.Deliver(Root.Ocsp(Sun, true, Now, Later));
            pair.World.Run(1);
            Assert.Single(pair.Moon.Fetching);
            Assert.False(pair.Moon.IsDone(1));
        }
    }
}
