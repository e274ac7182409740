using Kuguru.Nat;
using Xunit;

namespace Kuguru.Tests.Nat;

/// <summary>By which path an IKE SA goes on when the host's network has changed.</summary>
public class RoamingTests
{
    static readonly Path Current = Of("192.0.2.50", "192.0.2.2");

    [Theory]
    // the present path holds
    [InlineData(true, "192.0.2.50>192.0.2.2", false, "stay")]
    [InlineData(true, "", false, "stay")]
    [InlineData(true, "", true, "stay")]
    [InlineData(true, "10.1.0.10>192.0.2.2", false, "stay")]
    [InlineData(true, "192.0.2.50>192.0.2.2", true, "stay")]
    // ... and a better one is preferred, but never another address of the peer's
    [InlineData(true, "10.1.0.10>192.0.2.2", true, "10.1.0.10>192.0.2.2")]
    [InlineData(true, "10.1.0.10>198.51.100.2", true, "stay")]
    // the present path is gone
    [InlineData(false, "", false, "wait")]
    [InlineData(false, "10.1.0.10>192.0.2.2", false, "10.1.0.10>192.0.2.2")]
    [InlineData(false, "10.1.0.10>192.0.2.2 10.1.0.10>192.0.2.2", false, "10.1.0.10>192.0.2.2")]
    // ... the known address of the peer comes first
    [InlineData(false, "10.1.0.10>198.51.100.2 10.1.0.10>192.0.2.2", false, "10.1.0.10>192.0.2.2 10.1.0.10>198.51.100.2")]
    [InlineData(false, "2001:db8::5>2001:db8::2", false, "2001:db8::5>2001:db8::2")]
    // ... and it is back
    [InlineData(false, "192.0.2.50>192.0.2.2", false, "stay")]
    // the peer has not answered along the present path: it is tried on, with all others
    [InlineData(true, "192.0.2.50>192.0.2.2 192.0.2.50>198.51.100.2", false, "192.0.2.50>192.0.2.2 192.0.2.50>198.51.100.2", true)]
    [InlineData(true, "10.1.0.10>192.0.2.2 10.1.0.10>198.51.100.2", false, "10.1.0.10>192.0.2.2 10.1.0.10>198.51.100.2 192.0.2.50>192.0.2.2", true)]
    [InlineData(true, "", false, "192.0.2.50>192.0.2.2", true)]
    [InlineData(false, "192.0.2.50>192.0.2.2", false, "192.0.2.50>192.0.2.2", true)]
    [InlineData(false, "10.1.0.10>198.51.100.2", false, "10.1.0.10>198.51.100.2", true)]
    [InlineData(false, "", false, "wait", true)]
    public void The_host_s_network_has_changed(bool holds, string candidates, bool prefersBest, string expected, bool isTried = false)
    {
        var ways = candidates.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(way => WithoutPorts(Of(way.Split('>')[0], way.Split('>')[1])));
        var plan = Roaming.Judge(Current, new(holds, [.. ways]), prefersBest, isTried);
        Assert.Equal(expected, plan switch
        {
            RoamPlan.Stay => "stay",
            RoamPlan.Wait => "wait",
            RoamPlan.Switch to => string.Join(' ', to.To.Select(path => $"{path.Local.Address}>{path.Remote.Address}")),
            _ => "?",
        });
        if (plan is RoamPlan.Switch { To: var paths })
            Assert.All(paths, path => Assert.Equal((4500, 4501), (path.Local.Port, path.Remote.Port)));
    }

    [Fact]
    public void More_addresses_of_a_peer_than_eight_are_not_tried() =>
        Assert.Equal(Roaming.MaxRemotes, Assert.IsType<RoamPlan.Switch>(Roaming.Judge(Current,
            new(false, [.. Enumerable.Range(1, 20).Select(number => Of("10.1.0.10", $"198.51.100.{number}"))]), false)).To.Length);

    [Fact]
    public void New_paths_are_tried_quickly_at_first_and_for_as_long_as_any()
    {
        Assert.Equal([0.5, 1, 2, 4, 4], Enumerable.Range(0, 5).Select(resent => Roaming.Wait(resent)!.Value.TotalSeconds));
        var whole = Enumerable.Range(0, 1000).Select(Roaming.Wait).TakeWhile(wait => wait is not null).Sum(wait => wait!.Value.TotalSeconds);
        Assert.InRange(whole, 160, 170);
    }

    static Path Of(string local, string remote) => new(new(IpAddress.Parse(local), 4500), new(IpAddress.Parse(remote), 4501));
    static Path WithoutPorts(Path path) => new(path.Local with { Port = 0 }, path.Remote with { Port = 0 });
}
