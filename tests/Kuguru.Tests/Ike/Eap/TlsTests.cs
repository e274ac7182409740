using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kuguru.Crypto;
using Kuguru.Ike.Eap;
using Kuguru.Wire.Eap;
using Xunit;

namespace Kuguru.Tests.Ike.Eap;

/// <summary>EAP-TLS between a server and a client of this room.</summary>
public class TlsTests
{
    static readonly DateTimeOffset From = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), To = new(2049, 1, 1, 0, 0, 0, TimeSpan.Zero);

    internal static X509Certificate2 Root { get; } = Authority("CN=Root");
    internal static X509Certificate2 Stranger { get; } = Authority("CN=Stranger");
    internal static TlsIdentity Server { get; } = Rsa("CN=moon", Root);
    static readonly TlsIdentity Client = Rsa("CN=carol", Root);

    public static TheoryData<string, string, bool> Keys => new()
    {
        { "rsa", "rsa", false }, { "rsa", "ecdsa", false }, { "ecdsa", "rsa", false },
        { "rsa", "rsa", true }, { "rsa", "ecdsa", true }, { "ecdsa", "rsa", true },
    };

    [Theory]
    [MemberData(nameof(Keys))]
    public void Certificates_at_both_ends_make_one_key(string server, string client, bool isVersion12)
    {
        var talk = Talk(Identity("CN=moon", server), Identity("CN=carol", client), isVersion12).Run();
        Assert.Equal(EapType.Tls, talk.ServerResult.Method);
        Assert.Equal(64, talk.ServerResult.Msk!.Length);
        Assert.Equal(talk.ServerResult.Msk, talk.ClientResult.Msk);
    }

    [Fact]
    public void A_server_of_TLS_13_without_a_last_word_is_believed_when_it_succeeds_and_has_the_keys_of_before_RFC_9190()
    {
        var talk = Talk(Server, Client);
        EapPacket? instead = null;
        talk.Changes = packet =>
        {
            // The first record of the server behind the client's Finished is the indication.
            if (packet is { Code: EapCode.Request } && packet.Method == EapType.Tls && packet.Data.Length is > 5 and < 40)
                instead = EapPacket.Success(packet.Identifier);
            return instead ?? packet;
        };
        talk.Run();
        Assert.NotNull(instead);
        Assert.Equal(64, talk.ClientResult.Msk!.Length);
        Assert.NotEqual(Talk(Server, Client).Run().ClientResult.Msk, talk.ClientResult.Msk);
    }

    [Fact]
    public void A_success_before_the_handshake_is_done_is_none()
    {
        for (var requests = 1; requests <= 3; requests++)
        {
            var (talk, seen) = (Talk(Server, Client), 0);
            talk.Changes = packet => packet is { Code: EapCode.Request } && packet.Method == EapType.Tls && ++seen == requests ? EapPacket.Success(packet.Identifier) : packet;
            talk.Run();
            Assert.Contains(requests == 1 ? "without asking anything" : "before EAP_TLS is done", talk.ClientWhy, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(true, false, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", true)]
    [InlineData(false, true, "TLS_CHACHA20_POLY1305_SHA256", true)]
    [InlineData(false, true, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", false)]
    public void Versions_and_suites_are_what_the_settings_allow(bool has12, bool has13, string suite, bool isUp)
    {
        var limits = new TlsLimits(has12, has13, [suite]);
        var talk = new EapTalk { Offered = [EapType.Tls], ServerTls = Setup(Server, Root) with { Limits = limits }, ClientTls = Setup(Client, Root) }.Run();
        Assert.Equal(isUp, talk.AtServer is EapStep.Succeed);
        if (isUp)
            Assert.Equal(talk.ServerResult.Msk, talk.ClientResult.Msk);
    }

    [Fact]
    public void Flights_that_are_too_long_for_a_packet_go_in_fragments_both_ways()
    {
        // Certificates that are long for a long name.
        var talk = Talk(Rsa("CN=moon, OU=" + new string('x', 4000), Root), Rsa("CN=carol, OU=" + new string('y', 6000), Root));
        var largest = 0;
        talk.Changes = packet =>
        {
            largest = Math.Max(largest, packet.Data.Length);
            return packet;
        };
        talk.Run();
        Assert.Equal(talk.ServerResult.Msk, talk.ClientResult.Msk);
        Assert.InRange(largest, EapTls.FragmentSize, EapTls.FragmentSize + 5);
        Assert.InRange(talk.Packets, 24, 40);
    }

    [Fact]
    public void A_server_of_somebody_else_is_not_believed()
    {
        var talk = Talk(Rsa("CN=moon", Stranger), Client).Run();
        Assert.Equal("EAP_TLS: CN=moon is not of CN=Root", talk.ClientWhy);
        Assert.Contains("alert bad_certificate", talk.ServerWhy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_client_of_somebody_else_is_not_believed()
    {
        var talk = Talk(Server, Rsa("CN=mallory", Stranger)).Run();
        Assert.Equal("EAP_TLS: CN=mallory is not of CN=Root", talk.ServerWhy);
        Assert.Contains("alert bad_certificate", talk.ClientWhy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_client_without_a_certificate_is_not_let_in()
    {
        var talk = Talk(Server, null).Run();
        Assert.Contains("no certificate", talk.ServerWhy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("80ffffffff1603010001", "it announces 4294967295 octets, more than 65536")]
    [InlineData("80000000031603010001", "it sends more than the 3 octets that it may")]
    [InlineData("800000ffff1603010001", "it announces 65535 octets and sends 5")]
    [InlineData("20", "it starts again half-way")]
    [InlineData("80", "its packet is cut off")]
    [InlineData("", "its packet is cut off")]
    [InlineData("001603030005ffffffffff", "TLS ends with our alert")]
    [InlineData("0016030300040100ffff", "TLS ends with our alert")]
    [InlineData("00170303ffff00", "TLS ends with our alert")]
    public void A_bomb_in_place_of_a_hello_is_refused_at_once(string hex, string expected)
    {
        var talk = Talk(Server, Client);
        talk.Changes = packet => packet.Code == EapCode.Response && packet.Method == EapType.Tls ? packet with { Data = Blob.FromHex(hex) } : packet;
        Assert.Contains(expected, talk.Run().ServerWhy, StringComparison.Ordinal);
        Assert.InRange(talk.Packets, 4, 8);
    }

    /// <summary>A gateway that has proved itself to IKE may do so as well.</summary>
    [Theory]
    [InlineData("80ffffffff1603010001", "it announces 4294967295 octets, more than 65536")]
    [InlineData("80000000031603010001", "it sends more than the 3 octets that it may")]
    [InlineData("20", "it starts again half-way")]
    [InlineData("80", "its packet is cut off")]
    [InlineData("001603030005ffffffffff", "TLS ends with our alert")]
    [InlineData("0016030300040200ffff", "TLS ends with our alert")]
    [InlineData("00170303ffff00", "TLS ends with our alert")]
    public void A_bomb_in_place_of_the_servers_hello_is_refused_at_once(string hex, string expected)
    {
        var (talk, seen) = (Talk(Server, Client), 0);
        talk.Changes = packet => packet.Code == EapCode.Request && packet.Method == EapType.Tls && seen++ > 0 ? packet with { Data = Blob.FromHex(hex) } : packet;
        Assert.Contains(expected, talk.Run().ClientWhy, StringComparison.Ordinal);
        Assert.InRange(talk.Packets, 5, 8);
    }

    /// <summary>More certificates than a chain may have are not even read.</summary>
    [Theory]
    [InlineData(true, 11, "TLS ends with our alert")]
    [InlineData(false, 11, "TLS ends with our alert")]
    [InlineData(true, 100, "it announces ")]
    [InlineData(false, 100, "it announces ")]
    public void A_chain_of_a_hundred_certificates_is_refused_at_either_end(bool isServers, int length, string expected)
    {
        static TlsIdentity repeated(TlsIdentity identity, int times) => identity with { Chain = [.. Enumerable.Repeat(identity.Chain[0], times)] };
        var talk = Talk(isServers ? repeated(Server, length) : Server, isServers ? Client : repeated(Client, length)).Run();
        Assert.StartsWith("EAP_TLS: " + expected, isServers ? talk.ClientWhy : talk.ServerWhy, StringComparison.Ordinal);
    }

    [Fact]
    public void Fragments_without_an_end_fill_64_kB_at_most()
    {
        var talk = Talk(Server, Client);
        talk.ClientSays = request => request.Method == EapType.Tls
            ? EapPacket.Response(request.Identifier, EapType.Tls, (byte[])[0x40, .. new byte[1400]]) : null;
        Assert.Equal("EAP_TLS: it sends more than the 65536 octets that it may", talk.Run().ServerWhy);
    }

    [Fact]
    public void Whatever_a_stranger_makes_of_the_records_ends_in_a_failure_and_not_in_an_exception()
    {
        var random = new Random(8446);
        for (var i = 0; i < 60; i++)
        {
            var (talk, victim, seen) = (Talk(Server, Client), random.Next(8), 0);
            talk.Changes = packet =>
            {
                if (packet.Method != EapType.Tls || packet.Data.Length < 8 || seen++ != victim)
                    return packet;
                var bytes = packet.Data.ToArray();
                for (var flips = random.Next(1, 6); flips > 0; flips--)
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                return packet with { Data = bytes };
            };
            talk.Run();
            Assert.True(talk.AtServer is EapStep.Fail or EapStep.Succeed || talk.AtClient is EapStep.Fail or EapStep.Succeed, $"run {i} has no end");
            if (talk is { AtServer: EapStep.Succeed, AtClient: EapStep.Succeed })
                Assert.Equal(talk.ServerResult.Msk, talk.ClientResult.Msk);
        }
    }

    static EapTalk Talk(TlsIdentity server, TlsIdentity? client, bool isVersion12 = false) => new()
    {
        Offered = [EapType.Tls],
        ServerTls = Setup(server, Root) with { Limits = new(true, !isVersion12, []) },
        ClientTls = Setup(client, Root),
    };

    internal static TlsSetup Setup(TlsIdentity? own, X509Certificate2 root) => new(own, chain => Judge(chain, root), []);

    static string? Judge(ImmutableArray<Blob> chain, X509Certificate2 root)
    {
        using var leaf = X509CertificateLoader.LoadCertificate(chain[0].Span);
        using var verdict = new X509Chain
        {
            ChainPolicy = { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck },
        };
        verdict.ChainPolicy.CustomTrustStore.Add(root);
        return verdict.Build(leaf) ? null : $"{leaf.Subject} is not of {root.Subject}";
    }

    static TlsIdentity Identity(string name, string kind) => kind == "rsa" ? Rsa(name, Root) : Ecdsa(name, Root);

    static TlsIdentity Rsa(string name, X509Certificate2 issuer)
    {
        var key = RSA.Create(2048);
        return new([Issue(new CertificateRequest(name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1), issuer)], TlsIdentity.RsaSchemes,
            (scheme, data) => key.SignData(data, TlsIdentity.HashOf(scheme), TlsIdentity.IsPss(scheme) ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1));
    }

    static TlsIdentity Ecdsa(string name, X509Certificate2 issuer)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new([Issue(new CertificateRequest(name, key, HashAlgorithmName.SHA256), issuer)], TlsIdentity.Ecdsa256Schemes,
            (scheme, data) => key.SignData(data, TlsIdentity.HashOf(scheme), DSASignatureFormat.Rfc3279DerSequence));
    }

    static Blob Issue(CertificateRequest request, X509Certificate2 issuer)
    {
        using var certificate = request.Create(
            issuer.SubjectName, X509SignatureGenerator.CreateForRSA(issuer.GetRSAPrivateKey()!, RSASignaturePadding.Pkcs1), From, To,
            RandomNumberGenerator.GetBytes(8));
        return certificate.RawData;
    }

    static X509Certificate2 Authority(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(From, To);
    }
}
