using Kuguru.Crypto;
using Kuguru.Engine;
using Kuguru.Ike;
using Xunit;

namespace Kuguru.Tests.Engine;

public class CredentialsTests
{
    readonly Credentials _credentials = new();

    // The five keys of strongSwan's scenario ikev2/net2net-psk: only one names both ends.
    [Theory]
    [InlineData("moon.strongswan.org", "sun.strongswan.org", "both,for-sun")]
    [InlineData("moon.strongswan.org", "carol@strongswan.org", "for-moon,for-all")]
    [InlineData("192.0.2.1", "192.0.2.2", "for-all")]
    [InlineData(null, "sun.strongswan.org", "both,for-sun")]
    [InlineData("moon.strongswan.org", "192.168.0.1", "for-address")]
    public void A_peer_with_a_key_of_its_own_gets_no_other_and_the_key_that_names_both_ends_comes_first(string? local, string remote, string expected)
    {
        Load("for-moon", "moon.strongswan.org");
        Load("for-sun", "sun.strongswan.org");
        Load("both", "moon.strongswan.org", "sun.strongswan.org");
        Load("for-all");
        Load("for-address", "192.168.0.1");
        var found = _credentials.For(local is null ? null : Identity.Parse(local), Identity.Parse(remote));
        Assert.Equal(expected, string.Join(',', found.Select(key => key.Name)));
    }

    // A user's own password alone counts; then the server's, for a client; then anybody's.
    [Theory]
    [InlineData(SharedKeyKind.Eap, "carol", null, "eap-carol")]
    [InlineData(SharedKeyKind.Eap, "CAROL", null, "eap-carol")]
    [InlineData(SharedKeyKind.Eap, "dave@example.org", null, "eap-example")]
    [InlineData(SharedKeyKind.Eap, "mallory", null, "eap-all")]
    [InlineData(SharedKeyKind.Eap, "mallory", "moon", "eap-moon,eap-all")]
    [InlineData(SharedKeyKind.Eap, "carol", "moon", "eap-carol")]
    [InlineData(SharedKeyKind.NtHash, "carol", null, "ntlm-carol")]
    [InlineData(SharedKeyKind.NtHash, "dave", null, "")]
    [InlineData(SharedKeyKind.Ppk, "ppk-carol@example.org", null, "ppk-carol")]
    [InlineData(SharedKeyKind.Ppk, "ppk-dave@example.org", null, "ppk-example")]
    [InlineData(SharedKeyKind.Ppk, "ppk-carol@example.com", null, "")]
    public void Secrets_of_one_kind_are_no_secrets_of_another_and_go_by_their_owner(SharedKeyKind kind, string owner, string? server, string expected)
    {
        LoadKind(SharedKeyKind.Eap, "eap-carol", "carol");
        LoadKind(SharedKeyKind.Eap, "eap-example", "*@example.org");
        LoadKind(SharedKeyKind.Eap, "eap-moon", "moon");
        LoadKind(SharedKeyKind.Eap, "eap-all");
        LoadKind(SharedKeyKind.NtHash, "ntlm-carol", "carol");
        LoadKind(SharedKeyKind.Ppk, "ppk-carol", "ppk-carol@example.org");
        LoadKind(SharedKeyKind.Ppk, "ppk-example", "*@example.org");
        LoadKind(SharedKeyKind.Ike, "ike-carol", "carol");
        Assert.Equal(expected, string.Join(',', _credentials.Of(kind, Identity.Parse(owner), server is null ? null : Identity.Parse(server)).Select(key => key.Name)));
    }

    [Fact]
    public void A_password_is_no_pre_shared_key()
    {
        LoadKind(SharedKeyKind.Eap, "eap-carol", "carol");
        Assert.Empty(_credentials.For(null, Identity.Parse("carol")));
    }

    // Wildcards: by domain, by mail domain; equal beats any wildcard, and a wildcard beats no name.
    [Theory]
    [InlineData("carol@example.org", "exact")]
    [InlineData("dave@example.org", "mail")]
    [InlineData("a.example.org", "domain")]
    [InlineData("example.org", "all")]
    [InlineData("192.0.2.1", "all")]
    public void A_pre_shared_key_is_chosen_by_identity_with_wildcards(string peer, string expected)
    {
        Load("exact", "carol@example.org");
        Load("mail", "*@example.org");
        Load("domain", "*.example.org");
        Load("all");
        Assert.Equal(expected, _credentials.For(Identity.Parse("gw.example.com"), Identity.Parse(peer))[0].Name);
    }

    [Fact]
    public void A_longer_wildcard_beats_a_shorter_one()
    {
        Load("org", "*.org");
        Load("example", "*.example.org");
        Assert.Equal(["example", "org"], _credentials.For(null, Identity.Parse("a.example.org")).Select(key => key.Name));
    }

    [Fact]
    public void A_key_that_is_replaced_or_unloaded_is_wiped()
    {
        var first = Load("k");
        var second = Load("k");
        Assert.Throws<ObjectDisposedException>(() => first.Span.Length);
        Assert.Equal(4, second.Span.Length);
        Assert.True(_credentials.Unload("k"));
        Assert.Throws<ObjectDisposedException>(() => second.Span.Length);
        Assert.False(_credentials.Unload("k"));
    }

    Secret Load(string name, params string[] owners) => LoadKind(SharedKeyKind.Ike, name, owners);

    Secret LoadKind(SharedKeyKind kind, string name, params string[] owners)
    {
        var secret = Secret.Copy([1, 2, 3, 4]);
        _credentials.Load(new PresharedKey(name, secret, [.. owners.Select(Identity.Parse)]) { Kind = kind });
        return secret;
    }
}
