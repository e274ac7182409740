using Kuguru.Nat;
using Kuguru.Tests.Wire;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Nat;

public class NatDetectionTests
{
    static readonly Endpoint Client = new(IpAddress.Parse("192.168.0.10"), 500), Gateway = new(IpAddress.Parse("144.76.154.114"), 500);

    // The client of this capture was behind a NAT when it was taken.
    static readonly IReadOnlyList<IkeMessage> Init =
    [
        .. new Capture(Vectors.Json("zeek-spicy-ipsec/ipsec_client.pcap.json")).Ike("2.0")
            .Select(ike => IkeMessage.TryParse(ike.Message, out var message, out _) ? message : throw new InvalidDataException()),
    ];

    [Fact]
    public void The_hashes_of_a_real_request_are_those_of_the_addresses_that_the_client_believed_in()
    {
        Assert.Equal(Init[0].Find(NotifyType.NatDetectionSourceIp)!.Data, HashIn(Init[0], Client));
        Assert.Equal(Init[0].Find(NotifyType.NatDetectionDestinationIp)!.Data, HashIn(Init[0], Gateway));
    }

    [Fact]
    public void The_response_tells_the_client_that_it_is_behind_a_NAT()
    {
        Assert.Equal(Init[1].Find(NotifyType.NatDetectionSourceIp)!.Data, HashIn(Init[1], Gateway));
        Assert.NotEqual(Init[1].Find(NotifyType.NatDetectionDestinationIp)!.Data, HashIn(Init[1], Client));
    }

    [Fact]
    public void An_IPv6_address_is_hashed_in_sixteen_octets() => Assert.Equal(
        "8682f79c96ab5c8788875b2097ecc527bb43b4b2",
        NatDetection.Hash(new(1), new(2), new(IpAddress.Parse("2001:db8::1"), 4500)).ToString());

    static Blob HashIn(IkeMessage message, Endpoint endpoint) => NatDetection.Hash(message.InitiatorSpi, message.ResponderSpi, endpoint);
}
