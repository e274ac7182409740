using Kuguru.Nat;
using Xunit;

namespace Kuguru.Tests.Nat;

/// <summary>What is known of a way to a peer belongs to the network that the host is in.</summary>
public class PathMemoryTests
{
    static readonly PathLife s_known = new(new(TimeSpan.FromSeconds(17), TimeSpan.FromSeconds(25)), ClaimsNat: true);

    [Fact]
    public void Ports_do_not_matter_addresses_and_networks_do()
    {
        var memory = new PathMemory { Network = "home" };
        memory.Learn(Way("10.1.0.10", 500), s_known);
        Assert.Equal(s_known, memory.Of(Way("10.1.0.10", 4500)));
        Assert.Equal(default, memory.Of(Way("10.1.0.11", 500)));
        memory.Network = "cafe";
        Assert.Equal(default, memory.Of(Way("10.1.0.10", 500)));
        memory.Network = "home";
        memory.Learn(Way("10.1.0.10", 4500), default);
        Assert.Equal(default, memory.Of(Way("10.1.0.10", 500)));
    }

    [Fact]
    public void The_oldest_of_too_many_is_forgotten()
    {
        var memory = new PathMemory();
        for (var i = 0; i <= 64; i++)
            memory.Learn(Way($"10.1.0.{i}", 500), s_known);
        Assert.Equal((default, s_known), (memory.Of(Way("10.1.0.0", 500)), memory.Of(Way("10.1.0.1", 500))));
    }

    static Path Way(string local, ushort port) => new(new(IpAddress.Parse(local), port), new(IpAddress.Parse("192.0.2.2"), port));
}
