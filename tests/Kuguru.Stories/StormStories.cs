using Kuguru.Ike;
using Kuguru.Lab;

namespace Kuguru.Stories;

/// <summary>Handshakes in bad weather: whatever is lost, doubled or reordered, the two ends agree in the end.</summary>
public sealed class StormStories
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(10)]
    public void A_thousand_handshakes_in_a_storm_end_up_established_at_both_ends_with_the_same_keys_or_down_at_both_ends(ulong seed)
    {
        var scene = new Scene(Sites.Public, new()
        {
            Seed = seed,
            Client = Lively,
            Gateway = Lively,
            GatewaySettings = new() { BlockThreshold = 0 },
        });
        Storm.Pass(scene, storm: TimeSpan.FromMinutes(5), calm: TimeSpan.FromMinutes(5), atLeast: 0.95);
    }

    static Connection Lively(Connection c) =>
        c with { DpdDelay = TimeSpan.FromSeconds(60), RekeyTime = TimeSpan.Zero, Children = [c.Children[0] with { RekeyTime = TimeSpan.Zero }] };
}
