using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>What an ESP packet from elsewhere cannot say.</summary>
public class EspMovedStories
{
    [Theory]
    [InlineData("198.51.100.7", 1234, true)]
    // Somebody on the way took the UDP header off: plain ESP has no port that could be answered to.
    [InlineData("198.51.100.7", 0, false)]
    // A path has one family; our address of the other is not known.
    [InlineData("2001:db8::7", 1234, false)]
    public void A_peer_behind_a_NAT_is_followed_only_to_where_ESP_in_UDP_can_be_sent(string address, ushort port, bool follows)
    {
        var pair = new Pair(nat: new Napt("203.0.113.1")).Up();
        var (spi, before) = (pair.Sun.Installed.Keys.Single(), pair.Sun.Session.Path);
        var seen = new Path(before.Local, new(IpAddress.Parse(address), port));
        pair.Sun.Order((session, outbox) => session.EspMoved(pair.World.Now, spi, seen, outbox));
        Assert.Equal(follows ? seen : before, pair.Sun.Session.Path);
        Assert.Equal(follows ? seen : before, pair.Sun.Installed[spi].Path);
    }
}
