using Kuguru.Crypto;
using Kuguru.Ike.Eap;
using Xunit;

namespace Kuguru.Tests.Ike.Eap;

/// <summary>The examples of RFC 2759 section 9.2 and of RFC 3079 section 3.5.3.</summary>
public class MsChapV2Tests
{
    static readonly byte[] Authenticator = Convert.FromHexString("5B5D7C7D7B3F2F3E3C2C602132262628");
    static readonly byte[] Peer = Convert.FromHexString("21402324255E262A28295F2B3A337C7E");
    static readonly byte[] Response = Convert.FromHexString("82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF");

    static Secret NtHash()
    {
        using var password = Secret.Copy("clientPass"u8);
        return MsChapV2.NtPasswordHash(password);
    }

    [Fact]
    public void The_hash_of_the_password_and_its_hash_are_the_RFCs()
    {
        using var hash = NtHash();
        Assert.Equal("44EBBA8D5312B8D611474411F56989AE", Convert.ToHexString(hash.Span));
        using var twice = MsChapV2.HashNtPasswordHash(hash);
        Assert.Equal("41C00C584BD2D91C4017A2A12FA59F3F", Convert.ToHexString(twice.Span));
    }

    [Fact]
    public void The_responses_of_both_sides_are_the_RFCs()
    {
        using var hash = NtHash();
        Assert.Equal(Response, MsChapV2.NtResponse(Authenticator, Peer, "User"u8, hash));
        Assert.Equal("407A5589115FD0D6209F510FE9C04566932CDA56",
            Convert.ToHexString(MsChapV2.AuthenticatorResponse(Authenticator, Peer, "User"u8, hash, Response)));
    }

    [Fact]
    public void The_keys_are_the_RFCs_and_the_msk_is_made_of_them()
    {
        using var hash = NtHash();
        using var master = MsChapV2.MasterKey(hash, Response);
        Assert.Equal("FDECE3717A8C838CB388E527AE3CDD31", Convert.ToHexString(master.Span));
        using var fromServer = MsChapV2.FromServer(master);
        Assert.Equal("8B7CDC149B993A1BA118CB153F56DCCB", Convert.ToHexString(fromServer.Span));
        using var fromClient = MsChapV2.FromClient(master);
        using var msk = MsChapV2.Msk(hash, Response);
        Assert.Equal([.. fromClient.Span, .. fromServer.Span, .. new byte[32]], msk.Span.ToArray());
    }

    [Theory]
    [InlineData("User", "User")]
    [InlineData(@"EXAMPLE\User", "User")]
    [InlineData("", "")]
    public void A_domain_is_no_part_of_the_hashed_name(string name, string expected) =>
        Assert.Equal(expected, System.Text.Encoding.ASCII.GetString(MsChapV2.WithoutDomain(System.Text.Encoding.ASCII.GetBytes(name))));

    [Fact]
    public void A_password_of_other_letters_is_taken_as_UTF_16()
    {
        using var password = Secret.Copy("pässwörd€"u8);
        using var hash = MsChapV2.NtPasswordHash(password);
        var md4 = new Org.BouncyCastle.Crypto.Digests.MD4Digest();
        md4.BlockUpdate(System.Text.Encoding.Unicode.GetBytes("pässwörd€"));
        var expected = new byte[16];
        md4.DoFinal(expected);
        Assert.Equal(expected, hash.Span.ToArray());
    }
}
