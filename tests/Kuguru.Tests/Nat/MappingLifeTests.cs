using Kuguru.Nat;
using Xunit;

namespace Kuguru.Tests.Nat;

/// <summary>What trials make of a NAT, and what keepalives follow from it.</summary>
public class MappingLifeTests
{
    static readonly TimeSpan Start = TimeSpan.FromSeconds(20);

    [Theory]
    // lifetime of a silent mapping, silences tried one after the other, interval in the end
    [InlineData(12, "25 25 17 17", 15)]
    [InlineData(20, "25 25 17", 15.3)]
    [InlineData(30, "25 35 35", 22.5)]
    [InlineData(60, "25 35 50 75 75", 45)]
    [InlineData(120, "25 35 50 75 110 160 160", 99)]
    [InlineData(180, "25 35 50 75 110 160 230 230", 144)]
    [InlineData(300, "25 35 50 75 110 160 230 330 330", 207)]
    [InlineData(100_000, "25 35 50 75 110 160 230 330", 297)]
    public void A_NAT_is_learned(double lifetime, string silences, double interval)
    {
        var life = default(MappingLife);
        var tried = new List<double>();
        while (life.Next is { } silence)
        {
            tried.Add(silence.TotalSeconds);
            life = silence.TotalSeconds < lifetime ? life.Held(silence) : life.Lost(silence);
            Assert.True(life.Interval(Start).TotalSeconds < Math.Max(lifetime, 15.1) || tried.Count < 4, $"{life}");
        }
        Assert.Equal(silences, string.Join(' ', tried));
        Assert.Equal(interval, life.Interval(Start).TotalSeconds, 3);
    }

    [Fact]
    public void Until_something_is_known_it_is_the_usual_interval() => Assert.Equal(Start, default(MappingLife).Interval(Start));

    [Fact]
    public void One_lost_packet_is_no_NAT()
    {
        var life = default(MappingLife).Held(TimeSpan.FromSeconds(25)).Lost(TimeSpan.FromSeconds(35));
        Assert.Equal(TimeSpan.FromSeconds(35), life.Next);
        Assert.Equal(TimeSpan.FromSeconds(50), life.Held(TimeSpan.FromSeconds(35)).Next);
    }

    [Fact]
    public void Where_no_answer_gets_in_nothing_is_tried() => Assert.Null((default(MappingLife) with { IsBlocked = true }).Next);
}
