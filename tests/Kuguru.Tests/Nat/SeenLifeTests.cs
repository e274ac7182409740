using Kuguru.Nat;
using Xunit;

namespace Kuguru.Tests.Nat;

/// <summary>What ports that a peer sees after silences say of a NAT.</summary>
public class SeenLifeTests
{
    [Theory]
    // lifetime of a silent mapping, the port stays the same for new ones, silences one after the other, interval in the end
    [InlineData(12, false, "25 17", 15)]
    [InlineData(20, false, "25 17", 15.3)]
    [InlineData(30, false, "25 35", 22.5)]
    [InlineData(100, false, "25 35 50 75 110", 67.5)]
    [InlineData(300, false, "25 35 50 75 110 160 230 330", 207)]
    [InlineData(600, false, "25 35 50 75 110 160 230 330 660", 297)]
    [InlineData(900, false, "25 35 50 75 110 160 230 330 660 1320", 297)]
    [InlineData(100_000, false, "25 35 50 75 110 160 230 330 660 1320", 20)]
    [InlineData(30, true, "25 35 50 75 110 160 230 330 660 1320", 20)]
    public void A_NAT_is_learned_from_when_it_gives_another_port(double lifetime, bool preserves, string silences, double interval)
    {
        var seen = default(SeenLife);
        var known = default(MappingLife);
        var tried = new List<double>();
        while (seen.Next is { } silence)
        {
            tried.Add(silence.TotalSeconds);
            seen = preserves || silence.TotalSeconds < lifetime ? seen.Same(silence) : seen.Other(silence);
            if (seen.IsTold)
                known = seen.Known;
        }
        Assert.Equal(silences, string.Join(' ', tried));
        Assert.Equal(interval, known.Interval(TimeSpan.FromSeconds(20)).TotalSeconds, 3);
    }
}
