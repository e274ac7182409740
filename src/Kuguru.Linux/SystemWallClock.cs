namespace Kuguru.Linux;

/// <summary>The system's time of day, as it is set now: unlike instants it may jump.</summary>
public sealed class SystemWallClock : WallClock
{
    public override DateTimeOffset At(Instant now) => DateTimeOffset.UtcNow;
}
