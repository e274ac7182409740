namespace Kuguru;

/// <summary>What time of day it is at an <see cref="Instant"/>: certificates and revocation lists say when they are valid. Handed in, like <see cref="Dice"/>.</summary>
public abstract class WallClock
{
    public abstract DateTimeOffset At(Instant now);

    /// <summary>One that runs with the instants: for virtual time.</summary>
    public static WallClock From(DateTimeOffset zero) => new Virtual(zero);

    sealed class Virtual(DateTimeOffset zero) : WallClock
    {
        public override DateTimeOffset At(Instant now) => zero + (now - default(Instant));
    }
}
