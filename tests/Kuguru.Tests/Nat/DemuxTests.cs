using Kuguru.Nat;
using Xunit;

namespace Kuguru.Tests.Nat;

public class DemuxTests
{
    [Theory]
    [InlineData("", Port4500.Empty)]
    [InlineData("ff", Port4500.Keepalive)]
    [InlineData("fe", Port4500.TooShort)]
    [InlineData("ffff", Port4500.TooShort)]
    [InlineData("000000", Port4500.TooShort)]
    [InlineData("00000000", Port4500.Ike)]
    [InlineData("0000000001020304", Port4500.Ike)]
    [InlineData("00000100000001", Port4500.TooShort)]
    [InlineData("0000000100000001", Port4500.ReservedSpi)]
    [InlineData("000000ff00000001", Port4500.ReservedSpi)]
    [InlineData("0000010000000001", Port4500.Esp)]
    [InlineData("ff00000000000001", Port4500.Esp)]
    public void A_datagram_on_4500_is_told_by_its_first_octets(string hex, Port4500 kind) =>
        Assert.Equal(kind, Demux.Classify(Convert.FromHexString(hex)));

    [Fact]
    public void The_keepalive_is_recognised_as_one() => Assert.Equal(Port4500.Keepalive, Demux.Classify(Demux.Keepalive));

    [Fact]
    public void What_got_the_marker_is_IKE_and_the_message_is_behind_it()
    {
        byte[] message = [1, 2, 3, 4, 5];
        var datagram = NonEspMarker.Add(message);
        Assert.Equal(Port4500.Ike, Demux.Classify(datagram));
        Assert.Equal(message, NonEspMarker.Strip(datagram));
    }
}
