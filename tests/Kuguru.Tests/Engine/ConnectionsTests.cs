using Kuguru.Crypto;
using Kuguru.Engine;
using Kuguru.Ike;
using Xunit;

namespace Kuguru.Tests.Engine;

public class ConnectionsTests
{
    [Theory]
    [InlineData("any,remote,local,both", "192.0.2.1", "198.51.100.7", "both,local,remote,any")]
    [InlineData("any,remote,local,both", "192.0.2.9", "198.51.100.7", "remote,any")]
    [InlineData("any,remote,local,both", "192.0.2.1", "203.0.113.1", "local,any")]
    [InlineData("any,range,remote", "192.0.2.1", "198.51.100.7", "remote,range,any")]
    [InlineData("any,name", "192.0.2.1", "198.51.100.7", "any,name")]
    [InlineData("remote", "192.0.2.1", "203.0.113.1", "")]
    public void The_closest_addresses_come_first(string loaded, string local, string remote, string expected)
    {
        var connections = new Connections();
        foreach (var name in loaded.Split(','))
            connections.Load(Named(name));
        var path = new Path(new(IpAddress.Parse(local), 500), new(IpAddress.Parse(remote), 500));
        Assert.Equal(expected, string.Join(',', connections.For(path).Select(connection => connection.Name)));
    }

    [Fact]
    public void Loading_a_name_again_replaces_it_in_its_place()
    {
        var connections = new Connections();
        connections.Load(Named("any"));
        connections.Load(Named("local"));
        connections.Load(Named("any") with { DpdDelay = TimeSpan.FromSeconds(5) });
        Assert.Equal(["any", "local"], connections.All.Select(connection => connection.Name));
        Assert.Equal(5, connections.Find("any")!.DpdDelay.TotalSeconds);
    }

    internal static Connection Named(string name) => new()
    {
        Name = name,
        LocalAddresses = name is "local" or "both" ? [AddressPattern.Of(IpAddress.Parse("192.0.2.1"))] : [],
        RemoteAddresses = name switch
        {
            "remote" or "both" => [AddressPattern.Of(IpAddress.Parse("198.51.100.7"))],
            "range" => [new AddressPattern(AddressRange.Prefix(IpAddress.Parse("198.51.100.0"), 24), null)],
            "name" => [new AddressPattern(null, "gw.example.org")],
            _ => [],
        },
        Proposals = AlgorithmSet.Defaults(ProposalKind.Ike),
        Local = [new AuthenticationRound()],
        Remote = [new AuthenticationRound()],
        Children = [],
    };
}
