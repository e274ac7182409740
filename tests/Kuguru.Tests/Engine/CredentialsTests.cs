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

    Secret Load(string name, params string[] owners)
    {
        var secret = Secret.Copy([1, 2, 3, 4]);
        _credentials.Load(new PresharedKey(name, secret, [.. owners.Select(Identity.Parse)]));
        return secret;
    }
}
